-- Which transaction wrote a record of access: they are sealed in the audit chain in the order of commit (S27).
ALTER TABLE contact_access ADD COLUMN tx bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX contact_access_tx ON contact_access (tx, access_id);
