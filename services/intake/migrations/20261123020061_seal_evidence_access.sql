-- Which transaction wrote a record of access: they are sealed in the audit chain in the order of commit (S27).
ALTER TABLE evidence_access ADD COLUMN tx bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX evidence_access_tx ON evidence_access (tx, access_id);
