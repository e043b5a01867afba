-- Who asked to see a file of evidence, when and why (N13). Nothing changes its rows.
CREATE TABLE evidence_access (
    access_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    evidence_id uuid        NOT NULL REFERENCES evidence_file,
    actor       text        NOT NULL CHECK (length(actor) > 0),
    -- As redress.intake.v1.AccessPurpose.
    purpose     smallint    NOT NULL CHECK (purpose BETWEEN 1 AND 8),
    at          timestamptz NOT NULL
);

CREATE INDEX evidence_access_evidence ON evidence_access (evidence_id, access_id);
