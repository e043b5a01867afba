-- At commit, the counts of a return are the sums of its receipts, and no more waits than came damaged or wrong.
CREATE FUNCTION return_counts_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong boolean;
BEGIN
    SELECT (g.accepted, g.damaged, g.wrong_item) <>
            (coalesce(sum(r.accepted), 0), coalesce(sum(r.damaged), 0), coalesce(sum(r.wrong_item), 0))
        INTO wrong
    FROM goods_return g
    LEFT JOIN return_receipt r USING (claim_id, round, line, attempt)
    WHERE g.claim_id = NEW.claim_id AND g.round = NEW.round AND g.line = NEW.line AND g.attempt = NEW.attempt
    GROUP BY g.accepted, g.damaged, g.wrong_item;
    IF NOT wrong THEN
        SELECT coalesce(sum(w.damaged), 0) > g.damaged OR coalesce(sum(w.wrong_item), 0) > g.wrong_item
            INTO wrong
        FROM goods_return g
        LEFT JOIN return_waiting w USING (claim_id, round, line, attempt)
        WHERE g.claim_id = NEW.claim_id AND g.round = NEW.round AND g.line = NEW.line AND g.attempt = NEW.attempt
        GROUP BY g.damaged, g.wrong_item;
    END IF;
    IF wrong THEN
        RAISE EXCEPTION 'return of claim %: its counts are not those of its receipts', NEW.claim_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'return_counts_add_up';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER return_counts_add_up AFTER INSERT OR UPDATE ON goods_return
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION return_counts_add_up();
