-- At commit, what a reservation says it holds is what is allocated to it.
CREATE FUNCTION reservation_held_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allocated bigint;
    said      bigint;
BEGIN
    SELECT coalesce(sum(a.quantity), 0) INTO allocated FROM allocation a
    WHERE a.claim_id = NEW.claim_id AND a.round = NEW.round AND a.line = NEW.line AND a.attempt = NEW.attempt;
    SELECT r.held INTO said FROM reservation r
    WHERE r.claim_id = NEW.claim_id AND r.round = NEW.round AND r.line = NEW.line AND r.attempt = NEW.attempt;
    IF allocated IS DISTINCT FROM said THEN
        RAISE EXCEPTION 'reservation of claim %: % held, % allocated', NEW.claim_id, said, allocated
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reservation_held_adds_up';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER reservation_held_adds_up AFTER INSERT OR UPDATE OF held, state ON reservation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reservation_held_adds_up();
