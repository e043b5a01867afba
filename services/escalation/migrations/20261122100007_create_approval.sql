-- Approval binds a snapshot of the plan (domain rule 12). A row without a plan remembers a cancellation that came first.
CREATE TABLE approval (
    claim_id    uuid     NOT NULL REFERENCES claim,
    plan_number integer  NOT NULL CHECK (plan_number > 0),
    state       text     NOT NULL CHECK (state IN ('open', 'granted', 'denied', 'cancelled')),
    plan        bytea,
    plan_sha256 bytea    CHECK (length(plan_sha256) = 32),
    -- Roles in the order of their steps, with commas; empty: the policy itself approves.
    chain       text     NOT NULL,
    decided_by  text     NOT NULL,
    PRIMARY KEY (claim_id, plan_number),
    CHECK ((plan IS NULL) = (plan_sha256 IS NULL)),
    CHECK (plan IS NOT NULL OR state = 'cancelled'),
    CHECK ((decided_by <> '') = (state IN ('granted', 'denied')))
);
