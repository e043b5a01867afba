-- What was processed, and what was answered: the same request or message has no second effect.
CREATE TABLE inbox (
    source      text        NOT NULL,
    id          uuid        NOT NULL,
    fingerprint bytea       CHECK (length(fingerprint) = 32),
    answer      bytea,
    at          timestamptz NOT NULL,
    PRIMARY KEY (source, id)
);
