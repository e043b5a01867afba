-- Files that are gone from the store because their customer was forgotten. Rows are only added.
CREATE TABLE evidence_forgotten (
    evidence_id uuid        PRIMARY KEY REFERENCES evidence_file,
    at          timestamptz NOT NULL
);

CREATE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'records of evidence files are append-only';
END $$;

CREATE TRIGGER evidence_file_append_only BEFORE UPDATE OR DELETE ON evidence_file
    FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_file_stays BEFORE TRUNCATE ON evidence_file
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_access_append_only BEFORE UPDATE OR DELETE ON evidence_access
    FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_access_stays BEFORE TRUNCATE ON evidence_access
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_forgotten_append_only BEFORE UPDATE OR DELETE ON evidence_forgotten
    FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_forgotten_stays BEFORE TRUNCATE ON evidence_forgotten
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();
