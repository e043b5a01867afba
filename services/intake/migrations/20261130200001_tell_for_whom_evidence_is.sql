-- For whom a piece of evidence is (redress.intake.v1.EvidenceAudience): 1 the customer and staff, 2 staff only. Who brought
-- what was not kept: pieces without a file came with reports and stay for customers; of files only those that a customer
-- has surely uploaded do, the others are for staff. A customer who misses one uploads it again.
ALTER TABLE evidence ADD COLUMN audience smallint NOT NULL DEFAULT 1 CHECK (audience IN (1, 2));
ALTER TABLE evidence_file ADD COLUMN audience smallint NOT NULL DEFAULT 2 CHECK (audience IN (1, 2));

ALTER TABLE evidence_file DISABLE TRIGGER evidence_file_append_only;
UPDATE evidence_file SET audience = 1 WHERE evidence_id IN (SELECT id FROM customer_brought);
ALTER TABLE evidence_file ENABLE TRIGGER evidence_file_append_only;

UPDATE evidence e SET audience = 2 FROM evidence_file f
    WHERE f.claim_id = e.claim_id AND f.evidence_no = e.evidence_no AND f.audience = 2;

-- The same bytes may be there twice: for staff, and brought by the customer, who is not told of the others.
ALTER TABLE evidence_file DROP CONSTRAINT evidence_file_claim_id_received_sha256_key;
ALTER TABLE evidence_file ADD UNIQUE (claim_id, received_sha256, audience);
