-- Metadata of pictures, videos and documents. Rows are only added.
CREATE TABLE evidence (
    claim_id    uuid     NOT NULL REFERENCES claim,
    evidence_no smallint NOT NULL CHECK (evidence_no BETWEEN 1 AND 50),
    sha256      char(64) NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    media_type  text     NOT NULL CHECK (length(media_type) BETWEEN 1 AND 100),
    size        bigint   NOT NULL CHECK (size BETWEEN 1 AND 2147483648),
    name        text     NOT NULL CHECK (length(name) <= 200),
    line        smallint NOT NULL CHECK (line BETWEEN 0 AND 100),
    PRIMARY KEY (claim_id, evidence_no)
);
