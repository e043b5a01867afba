-- The first breach is kept for ever (domain rule 11).
CREATE FUNCTION breach_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.state <> 'breached' OR NEW.breached_at <> OLD.breached_at THEN
        RAISE EXCEPTION 'a breach is kept for ever';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER clock_breach_is_kept BEFORE UPDATE OR DELETE ON clock
    FOR EACH ROW WHEN (OLD.breached_at IS NOT NULL) EXECUTE FUNCTION breach_is_kept();
