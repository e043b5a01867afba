-- Running deadlines. From counted_from there are left_us microseconds of working time until the deadline.
CREATE TABLE clock (
    claim_id     uuid        NOT NULL REFERENCES claim,
    kind         text        NOT NULL CHECK (kind IN ('acknowledgement', 'first_feedback', 'approval', 'final_solution')),
    round        integer     NOT NULL CHECK (round > 0),
    state        text        NOT NULL CHECK (state IN ('running', 'paused', 'stopped', 'breached')),
    severity     text        NOT NULL CHECK (severity IN ('minor', 'general', 'serious', 'urgent')),
    target_s     bigint      NOT NULL CHECK (target_s > 0),
    started_at   timestamptz NOT NULL,
    counted_from timestamptz NOT NULL,
    left_us      bigint      NOT NULL CHECK (left_us BETWEEN 0 AND target_s * 1000000),
    deadline     timestamptz NOT NULL CHECK (deadline >= counted_from),
    warned       smallint    NOT NULL CHECK (warned IN (0, 50, 75)),
    breached_at  timestamptz,
    level        integer     NOT NULL CHECK (level >= 0),
    next_at      timestamptz,
    PRIMARY KEY (claim_id, kind, round),
    CHECK ((state = 'breached') = (breached_at IS NOT NULL)),
    CHECK ((state = 'breached') = (level > 0)),
    CHECK (CASE
        WHEN state = 'running' THEN next_at IS NOT NULL AND next_at <= deadline
        WHEN state IN ('paused', 'stopped') THEN next_at IS NULL
        ELSE true END)
);
