-- Who read contact data, when and why (N13). Nothing changes its rows.
CREATE TABLE contact_access (
    access_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id  uuid        NOT NULL REFERENCES claim,
    actor     text        NOT NULL,
    purpose   text        NOT NULL CHECK (length(purpose) BETWEEN 1 AND 200),
    at        timestamptz NOT NULL
);

CREATE INDEX contact_access_claim ON contact_access (claim_id, access_id);
