-- What must be remembered of a claim before its clocks are known; its lock is the lock of everything of the claim.
CREATE TABLE claim (
    claim_id                uuid        PRIMARY KEY,
    claim_number            text        NOT NULL CHECK (length(claim_number) <= 32),
    round                   integer     NOT NULL DEFAULT 0 CHECK (round >= 0),
    paused_since            timestamptz,
    -- Newest round in which the promise needs no clock any more; 0: none.
    acknowledgement_stopped integer     NOT NULL DEFAULT 0 CHECK (acknowledgement_stopped >= 0),
    first_feedback_stopped  integer     NOT NULL DEFAULT 0 CHECK (first_feedback_stopped >= 0),
    final_solution_stopped  integer     NOT NULL DEFAULT 0 CHECK (final_solution_stopped >= 0)
);
