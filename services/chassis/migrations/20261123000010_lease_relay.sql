-- One relay of a service leads: the holder of a lease, by the clock of the database. Taking it increases the epoch, which
-- every write of the relay names: one that was paused past its lease writes nothing more.
-- `rewind_tx`: an operator wants everything from this transaction on published again; the leader does it and clears it.
ALTER TABLE relay
    ADD COLUMN holder    text,
    ADD COLUMN epoch     bigint      NOT NULL DEFAULT 0,
    ADD COLUMN until     timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN rewind_tx bigint;
