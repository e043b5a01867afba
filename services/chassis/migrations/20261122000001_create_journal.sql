-- Outbox, history and audit in one: what happened here, in the order of `seq` within an aggregate. Nothing changes its rows.
-- The relay reads by `tx`, the id of the writing transaction, because numbers of a sequence commit out of order.
CREATE TABLE journal (
    seq       bigint      GENERATED ALWAYS AS IDENTITY,
    tx        bigint      NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    event_id  uuid        NOT NULL,
    aggregate uuid        NOT NULL,
    number    integer     CHECK (number > 0),
    subject   text        NOT NULL CHECK (length(subject) <= 200),
    payload   bytea       NOT NULL CHECK (length(payload) <= 65536),
    trace     text,
    actor     text        NOT NULL,
    cause     uuid        NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (at, seq)
) PARTITION BY RANGE (at);

CREATE TABLE journal_default PARTITION OF journal DEFAULT;

-- Makes the partitions of this and the next seven quarters that are missing. Called after every migration run.
CREATE FUNCTION journal_extend() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    quarter timestamptz := date_trunc('quarter', now(), 'UTC');
    name text;
BEGIN
    FOR i IN 0..7 LOOP
        name := 'journal_' || to_char(quarter AT TIME ZONE 'UTC', 'YYYY"q"Q');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%L) TO (%L)',
                name, quarter, quarter + interval '3 months');
        END IF;
        quarter := date_trunc('quarter', quarter + interval '95 days', 'UTC');
    END LOOP;
END $$;

CREATE INDEX journal_tx ON journal (tx, seq);
CREATE INDEX journal_aggregate ON journal (aggregate, seq);

CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only';
END $$;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_is_append_only();
