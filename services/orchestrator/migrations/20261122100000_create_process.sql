-- Where each claim is: the process itself as JSON with its format, and plain columns for what is searched.
CREATE TABLE process (
    claim_id     uuid        PRIMARY KEY,
    version      bigint      NOT NULL CHECK (version > 0),
    claim        jsonb       NOT NULL,
    format       smallint    NOT NULL CHECK (format > 0),
    process      jsonb       NOT NULL,
    plan         bytea,
    state        smallint    NOT NULL CHECK (state BETWEEN 1 AND 12),
    waiting_for  smallint    NOT NULL CHECK (waiting_for BETWEEN 0 AND 8),
    round        integer     NOT NULL CHECK (round > 0),
    events       integer     NOT NULL CHECK (events > 0),
    end_reason   text        NOT NULL DEFAULT '',
    changed_at   timestamptz NOT NULL,
    ask_again_at timestamptz,
    ask_wait_s   integer     NOT NULL DEFAULT 0 CHECK (ask_wait_s >= 0),
    due_at       timestamptz,
    -- An ended claim waits for nobody and asks nothing (10 closed, 11 rejected, 12 withdrawn).
    CHECK (state < 10 OR (waiting_for = 0 AND due_at IS NULL))
);

CREATE INDEX process_state ON process (state, claim_id);
CREATE INDEX process_waiting_for ON process (waiting_for, claim_id);
CREATE INDEX process_ask_again ON process (ask_again_at) WHERE ask_again_at IS NOT NULL;
CREATE INDEX process_due ON process (due_at) WHERE due_at IS NOT NULL;
