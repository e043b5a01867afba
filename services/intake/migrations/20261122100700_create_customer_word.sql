-- What the customer said in free words. It may hold personal data, so it never leaves this database.
CREATE TABLE customer_word (
    word_id  uuid        PRIMARY KEY,
    claim_id uuid        NOT NULL REFERENCES claim,
    about    text        NOT NULL,
    text     text        NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    at       timestamptz NOT NULL
);

CREATE INDEX customer_word_claim ON customer_word (claim_id, word_id);
