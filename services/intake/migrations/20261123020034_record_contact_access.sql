-- Who read which personal data, when and why (G11). Written by the statement that reads: there is no read without it.
DROP TABLE contact_access;
CREATE TABLE contact_access (
    access_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id  uuid        NOT NULL REFERENCES claim,
    actor     text        NOT NULL CHECK (length(actor) > 0),
    -- As redress.intake.v1.AccessPurpose.
    purpose   smallint    NOT NULL CHECK (purpose BETWEEN 1 AND 8),
    -- As redress.intake.v1.PersonalField.
    fields    smallint[]  NOT NULL CHECK (cardinality(fields) BETWEEN 1 AND 7 AND 1 <= ALL (fields) AND 7 >= ALL (fields)),
    at        timestamptz NOT NULL
);

CREATE INDEX contact_access_claim ON contact_access (claim_id, access_id);

CREATE FUNCTION contact_access_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'records of access are append-only';
END $$;

CREATE TRIGGER contact_access_append_only BEFORE UPDATE OR DELETE ON contact_access
    FOR EACH ROW EXECUTE FUNCTION contact_access_is_append_only();
CREATE TRIGGER contact_access_stays BEFORE TRUNCATE ON contact_access
    FOR EACH STATEMENT EXECUTE FUNCTION contact_access_is_append_only();
