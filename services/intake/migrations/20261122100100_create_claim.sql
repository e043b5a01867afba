-- The claim as intake knows it. No contact data: that is in `contact` and nowhere else.
CREATE TABLE claim (
    claim_id             uuid        PRIMARY KEY,
    claim_number         text        NOT NULL UNIQUE CHECK (claim_number ~ '^RD-[0-9]{4}-[0-9]{6,}$'),
    version              bigint      NOT NULL CHECK (version > 0),
    channel              smallint    NOT NULL CHECK (channel BETWEEN 1 AND 7),
    customer_ref         text        NOT NULL CHECK (length(customer_ref) BETWEEN 1 AND 64),
    country              char(2)     NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    importance           smallint    NOT NULL CHECK (importance BETWEEN 0 AND 3),
    upset                boolean     NOT NULL,
    received_at          timestamptz NOT NULL,
    -- As redress.claim.v1.ClaimState: submitted, awaiting customer, awaiting consent, following up, closed, rejected, withdrawn.
    state                smallint    NOT NULL CHECK (state IN (1, 2, 6, 9, 10, 11, 12)),
    end_reason           text        NOT NULL CHECK (end_reason = '' OR state IN (10, 11, 12)),
    withdrawal_requested boolean     NOT NULL,
    read_back_at         timestamptz,
    read_back_by         text        NOT NULL CHECK ((read_back_by = '') = (read_back_at IS NULL)),
    acknowledgement_due  timestamptz,
    first_feedback_due   timestamptz,
    solution_due         timestamptz,
    -- The newest plan that is known; 0: none. States: 0 none, 1 open, 2 accepted, 3 refused, 4 withdrawn.
    plan_number          integer     NOT NULL CHECK (plan_number >= 0),
    plan_state           smallint    NOT NULL CHECK (plan_state BETWEEN 0 AND 4 AND (plan_state = 0) = (plan_number = 0)),
    plan                 bytea       NOT NULL,
    -- The newest round that was followed up; 0: none. A score of 0: not answered yet.
    follow_up_round      integer     NOT NULL CHECK (follow_up_round >= 0),
    follow_up_score      smallint    NOT NULL CHECK (follow_up_score BETWEEN 0 AND 5),
    scores               smallint[]  NOT NULL CHECK (1 <= ALL (scores) AND 5 >= ALL (scores))
);

CREATE INDEX claim_customer ON claim (customer_ref, claim_id DESC);
CREATE INDEX claim_state ON claim (state, claim_id DESC);
