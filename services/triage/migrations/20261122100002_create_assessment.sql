-- Judgements are versioned rows: the newest counts, nothing is overwritten (S0-31).
CREATE TABLE assessment (
    claim_id   uuid        NOT NULL,
    number     integer     NOT NULL CHECK (number > 0),
    version    integer     NOT NULL CHECK (version > 0),
    state      text        NOT NULL CHECK (state IN ('judged', 'refused', 'person', 'question', 'cancelled')),
    reason     text        NOT NULL,
    by_person  boolean     NOT NULL,
    judged_by  text        NOT NULL,
    judged_at  timestamptz NOT NULL,
    category   smallint,
    severity   smallint,
    priority   integer CHECK (priority BETWEEN 0 AND 1000),
    liability  smallint,
    department smallint,
    asked      bytea,
    plan       bytea,
    answer     bytea,
    PRIMARY KEY (claim_id, number, version),
    CHECK (state = 'cancelled' OR (asked IS NOT NULL AND answer IS NOT NULL AND category IS NOT NULL))
);
