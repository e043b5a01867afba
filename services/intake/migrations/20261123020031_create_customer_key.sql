-- One key for each customer, wrapped by a key that is in a file of intake and never here. Who destroys it makes all that
-- is sealed under it unreadable, here and in every copy (G23). The row stays: it says what was destroyed, when, by whom
-- and why. A customer who comes back after that gets a new key.
CREATE TABLE customer_key (
    key_id       uuid        PRIMARY KEY,
    customer_ref text        NOT NULL CHECK (length(customer_ref) BETWEEN 1 AND 64),
    -- Name of the wrapping key.
    kek          text        NOT NULL CHECK (kek ~ '^[a-z0-9-]{1,32}$'),
    -- NULL: destroyed.
    wrapped      bytea       CHECK (length(wrapped) = 73),
    -- SHA-256 over a mark and the key: whoever finds a key can tell whether it is this one.
    fingerprint  bytea       NOT NULL CHECK (length(fingerprint) = 32),
    made_at      timestamptz NOT NULL,
    erased_at    timestamptz,
    erased_by    text        CHECK (length(erased_by) > 0),
    -- As redress.intake.v1.ErasureReason.
    reason       smallint    CHECK (reason BETWEEN 1 AND 5),
    reference    text        CHECK (length(reference) BETWEEN 1 AND 64),
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL)),
    CHECK (num_nulls(erased_at, erased_by, reason, reference) IN (0, 4))
)
-- What was destroyed or wrapped anew goes from the table's pages soon.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_insert_scale_factor = 0.2);

CREATE UNIQUE INDEX customer_key_live ON customer_key (customer_ref) WHERE wrapped IS NOT NULL;
CREATE INDEX customer_key_customer ON customer_key (customer_ref, made_at);
CREATE INDEX customer_key_kek ON customer_key (kek, key_id) WHERE wrapped IS NOT NULL;

CREATE FUNCTION customer_key_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'rows of customer_key stay';
    END IF;
    IF OLD.wrapped IS NULL THEN
        RAISE EXCEPTION 'a destroyed key stays destroyed';
    END IF;
    IF (NEW.key_id, NEW.customer_ref, NEW.fingerprint, NEW.made_at)
        IS DISTINCT FROM (OLD.key_id, OLD.customer_ref, OLD.fingerprint, OLD.made_at) THEN
        RAISE EXCEPTION 'only the wrapping of a key changes';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER customer_key_guard BEFORE UPDATE OR DELETE ON customer_key
    FOR EACH ROW EXECUTE FUNCTION customer_key_guard();
CREATE TRIGGER customer_key_stays BEFORE TRUNCATE ON customer_key
    FOR EACH STATEMENT EXECUTE FUNCTION customer_key_guard();
