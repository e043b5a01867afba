-- What people, and systems that are not ours, had done here without anybody being told by a message: a stock count, a parked
-- message given up, a note. What is told is in the journal. These rows say who asked for what, when; together with those
-- of the journal they are sealed in the audit chain (S27). What exactly was asked is not kept, as it may name people: the
-- fingerprint says whether it was a given request, to whoever has the key of the service.
CREATE TABLE decision (
    decision_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx          bigint      NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    method      text        NOT NULL CHECK (length(method) BETWEEN 1 AND 100),
    request_id  uuid        NOT NULL,
    fingerprint bytea       NOT NULL CHECK (length(fingerprint) = 32),
    -- The claim or other aggregate; what has no id of its own has one that is made from its name.
    about       uuid        NOT NULL,
    actor       text        NOT NULL,
    trace       text,
    at          timestamptz NOT NULL
);

CREATE INDEX decision_tx ON decision (tx, decision_id);

CREATE FUNCTION decision_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decisions are append-only';
END $$;

CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION decision_is_append_only();
CREATE TRIGGER decision_stays BEFORE TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION decision_is_append_only();
