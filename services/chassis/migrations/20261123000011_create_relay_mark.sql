-- What the broker acknowledged: per second and stream the newest message, and where the cursor stood before that second.
-- The relay compares it with what the broker still has. After a loss the cursor goes back to before the first that is gone.
CREATE TABLE relay_mark (
    slot     bigint      NOT NULL,
    stream   text        NOT NULL,
    sequence bigint      NOT NULL,
    event_id uuid        NOT NULL,
    from_tx  bigint      NOT NULL,
    to_tx    bigint      NOT NULL,
    seq      bigint      NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (stream, slot)
);
