-- How far the journal is published: all of transactions below `from_tx`; below `to_tx` up to `seq`.
CREATE TABLE relay (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    from_tx bigint  NOT NULL,
    to_tx   bigint  NOT NULL,
    seq     bigint  NOT NULL
);

INSERT INTO relay (from_tx, to_tx, seq) VALUES (0, 0, 0);
