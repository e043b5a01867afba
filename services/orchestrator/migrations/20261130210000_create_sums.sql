-- What a customer, or a person who decides, got or gave lately over all claims: automatic authority counts it (S0-49).
CREATE TABLE sums (
    -- "customer:" and the opaque reference, or "person:" and the opaque staff reference
    scope   text   PRIMARY KEY CHECK (length(scope) BETWEEN 8 AND 300),
    -- Written only as it was read.
    version bigint NOT NULL CHECK (version > 0),
    -- By day, by order, and what was denied.
    sums    json   NOT NULL,
    -- Of all days that are kept.
    minor   bigint NOT NULL CHECK (minor >= 0)
);
