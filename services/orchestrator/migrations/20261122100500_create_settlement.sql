-- Money to a customer for one line: instructed to finance once, paid or failed once (S1-36).
CREATE TABLE settlement (
    settlement_id uuid        PRIMARY KEY,
    claim_id      uuid        NOT NULL,
    round         integer     NOT NULL CHECK (round > 0),
    line          integer     NOT NULL CHECK (line > 0),
    attempt       integer     NOT NULL CHECK (attempt > 0),
    quantity      integer     NOT NULL CHECK (quantity > 0),
    amount_minor  bigint      NOT NULL CHECK (amount_minor >= 0),
    currency      char(3)     NOT NULL,
    -- 1 instructed, 2 paid, 3 failed, 4 cancelled
    state         smallint    NOT NULL CHECK (state BETWEEN 1 AND 4),
    reference     text        NOT NULL DEFAULT '' CHECK (length(reference) <= 64),
    instructed_at timestamptz NOT NULL,
    decided_at    timestamptz,
    UNIQUE (claim_id, round, line, attempt),
    CHECK ((state = 1) = (decided_at IS NULL))
);

CREATE INDEX settlement_oldest ON settlement (instructed_at, settlement_id);
CREATE INDEX settlement_state ON settlement (state, instructed_at, settlement_id);
