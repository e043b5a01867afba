-- What was counted, document by document (domain rule 6). `version` is that of the return it led to.
CREATE TABLE return_receipt (
    claim_id    uuid        NOT NULL,
    round       integer     NOT NULL,
    line        integer     NOT NULL,
    attempt     integer     NOT NULL,
    version     bigint      NOT NULL,
    warehouse   text        NOT NULL REFERENCES warehouse,
    accepted    integer     NOT NULL CHECK (accepted >= 0),
    damaged     integer     NOT NULL CHECK (damaged >= 0),
    wrong_item  integer     NOT NULL CHECK (wrong_item >= 0),
    is_last     boolean     NOT NULL,
    actor       text        NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (claim_id, round, line, attempt, version),
    FOREIGN KEY (claim_id, round, line, attempt) REFERENCES goods_return,
    CHECK (is_last OR accepted + damaged + wrong_item > 0)
);
