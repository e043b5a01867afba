-- Each level to which a breach was raised, once.
CREATE TABLE escalation (
    escalation_id uuid        PRIMARY KEY,
    claim_id      uuid        NOT NULL,
    clock         text        NOT NULL,
    round         integer     NOT NULL,
    level         integer     NOT NULL CHECK (level > 0),
    role          text        NOT NULL CHECK (role IN
        ('specialist', 'supervisor', 'warehouse', 'quality', 'logistics', 'finance', 'management')),
    raised_at     timestamptz NOT NULL,
    deadline      timestamptz NOT NULL,
    UNIQUE (claim_id, clock, round, level),
    FOREIGN KEY (claim_id, clock, round) REFERENCES clock (claim_id, kind, round)
);
