-- At commit, what a place says is reserved is what reservations hold there: no unit is promised twice (P40, G4).
CREATE FUNCTION stock_reserved_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allocated bigint;
    said      bigint;
BEGIN
    SELECT coalesce(sum(a.quantity), 0) INTO allocated FROM allocation a
    WHERE a.sku = NEW.sku AND a.batch = NEW.batch AND a.warehouse = NEW.warehouse AND a.zone = NEW.zone;
    SELECT s.reserved INTO said FROM stock s
    WHERE s.sku = NEW.sku AND s.batch = NEW.batch AND s.warehouse = NEW.warehouse AND s.zone = NEW.zone;
    IF allocated IS DISTINCT FROM said THEN
        RAISE EXCEPTION 'stock of % in %: % reserved, % allocated', NEW.sku, NEW.warehouse, said, allocated
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_reserved_adds_up';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER stock_reserved_adds_up AFTER INSERT OR UPDATE OF reserved ON stock
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stock_reserved_adds_up();
