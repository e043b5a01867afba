-- Who decided to forget a customer, or that nobody may: rows of customer_key and legal_hold change, these do not, so they
-- can be sealed in the audit chain (S27). Triggers write them, whatever changes those tables; the role that serves cannot.
CREATE TABLE customer_decision (
    decision_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx           bigint      NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    kind         text        NOT NULL CHECK (kind IN ('ERASED', 'HELD', 'RELEASED')),
    -- The key that was destroyed, or the hold.
    about        uuid        NOT NULL,
    customer_ref text        NOT NULL,
    actor        text        NOT NULL,
    reason       smallint    NOT NULL,
    reference    text        NOT NULL,
    at           timestamptz NOT NULL
);

CREATE INDEX customer_decision_tx ON customer_decision (tx, decision_id);

CREATE FUNCTION customer_decision_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decisions about customers are append-only';
END $$;

CREATE TRIGGER customer_decision_append_only BEFORE UPDATE OR DELETE ON customer_decision
    FOR EACH ROW EXECUTE FUNCTION customer_decision_is_append_only();
CREATE TRIGGER customer_decision_stays BEFORE TRUNCATE ON customer_decision
    FOR EACH STATEMENT EXECUTE FUNCTION customer_decision_is_append_only();

CREATE FUNCTION customer_decision_of_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO customer_decision (kind, about, customer_ref, actor, reason, reference, at)
    VALUES ('ERASED', NEW.key_id, NEW.customer_ref, NEW.erased_by, NEW.reason, NEW.reference, NEW.erased_at);
    RETURN NULL;
END $$;

CREATE TRIGGER customer_key_erased AFTER UPDATE ON customer_key
    FOR EACH ROW WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION customer_decision_of_key();

CREATE FUNCTION customer_decision_of_hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO customer_decision (kind, about, customer_ref, actor, reason, reference, at)
        VALUES ('HELD', NEW.hold_id, NEW.customer_ref, NEW.placed_by, NEW.reason, NEW.reference, NEW.placed_at);
    END IF;
    IF NEW.released_at IS NOT NULL THEN
        INSERT INTO customer_decision (kind, about, customer_ref, actor, reason, reference, at)
        VALUES ('RELEASED', NEW.hold_id, NEW.customer_ref, NEW.released_by, NEW.reason, NEW.reference, NEW.released_at);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER legal_hold_decided AFTER INSERT OR UPDATE ON legal_hold
    FOR EACH ROW EXECUTE FUNCTION customer_decision_of_hold();
