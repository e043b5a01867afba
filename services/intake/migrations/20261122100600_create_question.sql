-- Questions to the customer. One that was closed before it was asked has no `asked_at`: it never will be asked.
CREATE TABLE question (
    claim_id    uuid        NOT NULL REFERENCES claim,
    question_no smallint    NOT NULL CHECK (question_no BETWEEN 1 AND 20),
    question_id text        NOT NULL CHECK (length(question_id) BETWEEN 1 AND 64),
    reason      text        NOT NULL,
    line        smallint    NOT NULL CHECK (line >= 0),
    asked_at    timestamptz,
    answered_at timestamptz,
    closed_at   timestamptz,
    order_no    text        NOT NULL CHECK (length(order_no) <= 64),
    PRIMARY KEY (claim_id, question_no),
    UNIQUE (claim_id, question_id),
    CHECK (answered_at IS NULL OR closed_at IS NULL),
    CHECK (asked_at IS NOT NULL OR closed_at IS NOT NULL)
);
