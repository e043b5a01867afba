-- While one of them is not released, the customer cannot be erased. References name a case of the legal department, never
-- a person.
CREATE TABLE legal_hold (
    hold_id      uuid        PRIMARY KEY,
    customer_ref text        NOT NULL CHECK (length(customer_ref) BETWEEN 1 AND 64),
    -- As redress.intake.v1.HoldReason.
    reason       smallint    NOT NULL CHECK (reason BETWEEN 1 AND 4),
    reference    text        NOT NULL CHECK (length(reference) BETWEEN 1 AND 64),
    placed_at    timestamptz NOT NULL,
    placed_by    text        NOT NULL,
    released_at  timestamptz,
    released_by  text,
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);

CREATE INDEX legal_hold_customer ON legal_hold (customer_ref, placed_at);

CREATE FUNCTION legal_hold_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'rows of legal_hold stay';
    END IF;
    IF OLD.released_at IS NOT NULL OR (NEW.hold_id, NEW.customer_ref, NEW.reason, NEW.reference, NEW.placed_at, NEW.placed_by)
        IS DISTINCT FROM (OLD.hold_id, OLD.customer_ref, OLD.reason, OLD.reference, OLD.placed_at, OLD.placed_by) THEN
        RAISE EXCEPTION 'a legal hold is released once, and nothing else of it changes';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER legal_hold_guard BEFORE UPDATE OR DELETE ON legal_hold
    FOR EACH ROW EXECUTE FUNCTION legal_hold_guard();
CREATE TRIGGER legal_hold_stays BEFORE TRUNCATE ON legal_hold
    FOR EACH STATEMENT EXECUTE FUNCTION legal_hold_guard();
