-- A payment of finance settles one settlement: its reference is used once (S1-36).
CREATE TABLE payment (
    reference     text PRIMARY KEY CHECK (length(reference) BETWEEN 1 AND 64),
    settlement_id uuid NOT NULL
);

INSERT INTO payment (reference, settlement_id)
SELECT DISTINCT ON (reference) reference, settlement_id
FROM settlement
WHERE state = 2 AND reference <> ''
ORDER BY reference, decided_at;

-- Who confirmed it; empty: nobody has, or it was not kept.
ALTER TABLE settlement ADD COLUMN confirmed_by text NOT NULL DEFAULT '' CHECK (length(confirmed_by) <= 200);

-- Why it could not be paid; empty: it was paid, or nobody said why.
ALTER TABLE settlement ADD COLUMN failure text NOT NULL DEFAULT '' CHECK (length(failure) <= 500);
