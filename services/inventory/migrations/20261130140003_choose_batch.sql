-- Which batch goes out. What was asked for before there was a rule takes any: it waited for the very batch that was
-- complained about.
ALTER TABLE reservation ADD COLUMN batch_rule text NOT NULL DEFAULT 'any'
    CHECK (batch_rule IN ('any', 'other', 'same', 'single'));
ALTER TABLE reservation DROP CONSTRAINT reservation_state_check, ADD CONSTRAINT reservation_state_check CHECK (state IN
    ('held_partly', 'held', 'committed', 'consumed', 'released', 'expired', 'failed', 'batch_unknown'));

-- At commit, what a reservation says it holds is what is allocated to it, and never of the batch that it must not be.
CREATE OR REPLACE FUNCTION reservation_held_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allocated bigint;
    said      bigint;
    avoided   text;
    wrong     bigint;
BEGIN
    SELECT r.held, CASE WHEN r.batch_rule = 'other' THEN lower(btrim(r.batch) COLLATE "C") END INTO said, avoided
    FROM reservation r
    WHERE r.claim_id = NEW.claim_id AND r.round = NEW.round AND r.line = NEW.line AND r.attempt = NEW.attempt;
    SELECT coalesce(sum(a.quantity), 0), count(*) FILTER (WHERE lower(btrim(a.batch) COLLATE "C") = avoided)
        INTO allocated, wrong
    FROM allocation a
    WHERE a.claim_id = NEW.claim_id AND a.round = NEW.round AND a.line = NEW.line AND a.attempt = NEW.attempt;
    IF allocated IS DISTINCT FROM said OR wrong > 0 THEN
        RAISE EXCEPTION 'reservation of claim %: % held, % allocated, % places of the wrong batch',
            NEW.claim_id, said, allocated, wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reservation_held_adds_up';
    END IF;
    RETURN NULL;
END $$;
