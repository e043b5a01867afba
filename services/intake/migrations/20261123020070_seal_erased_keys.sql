-- The fingerprint of a key that was destroyed is sealed with the decision, so that the proof of an erasure cannot be swapped
-- for that of another key: it is what the row of the key is compared with when the audit is verified.
ALTER TABLE customer_decision ADD COLUMN fingerprint bytea CHECK (length(fingerprint) = 32);

CREATE OR REPLACE FUNCTION customer_decision_of_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO customer_decision (kind, about, customer_ref, actor, reason, reference, at, fingerprint)
    VALUES ('ERASED', NEW.key_id, NEW.customer_ref, NEW.erased_by, NEW.reason, NEW.reference, NEW.erased_at, NEW.fingerprint);
    RETURN NULL;
END $$;

CREATE INDEX customer_decision_about ON customer_decision (about);
CREATE INDEX customer_key_erased ON customer_key (erased_at) WHERE wrapped IS NULL;
