-- Files of evidence: what is known of them. The bytes are in the file store under `object_key`, never here (G25). Rows are
-- only added.
CREATE TABLE evidence_file (
    evidence_id     uuid        PRIMARY KEY,
    claim_id        uuid        NOT NULL,
    evidence_no     smallint    NOT NULL,
    object_key      char(64)    NOT NULL UNIQUE CHECK (object_key ~ '^[0-9a-f]{64}$'),
    -- As redress.intake.v1.EvidenceKind and EvidenceMetadata.
    kind            smallint    NOT NULL CHECK (kind BETWEEN 1 AND 3),
    metadata        smallint    NOT NULL CHECK (metadata BETWEEN 1 AND 3),
    content_type    text        NOT NULL CHECK (length(content_type) BETWEEN 1 AND 100),
    stored_sha256   char(64)    NOT NULL CHECK (stored_sha256 ~ '^[0-9a-f]{64}$'),
    stored_size     bigint      NOT NULL CHECK (stored_size > 0),
    received_sha256 char(64)    NOT NULL CHECK (received_sha256 ~ '^[0-9a-f]{64}$'),
    received_size   bigint      NOT NULL CHECK (received_size > 0),
    uploaded_by     text        NOT NULL,
    uploaded_at     timestamptz NOT NULL,
    UNIQUE (claim_id, evidence_no),
    UNIQUE (claim_id, received_sha256),
    FOREIGN KEY (claim_id, evidence_no) REFERENCES evidence (claim_id, evidence_no)
);
