-- Each unit of a return has two answers: whether it counts for the claim, and whether it can be sold again.
ALTER TABLE goods_return
    ADD COLUMN reason text NOT NULL DEFAULT 'unspecified'
        CHECK (reason IN ('unspecified', 'faulty', 'change_of_mind', 'wrong_item', 'undelivered')),
    ADD COLUMN unsalable integer NOT NULL DEFAULT 0 CHECK (unsalable >= 0),
    ADD COLUMN not_as_claimed integer NOT NULL DEFAULT 0 CHECK (not_as_claimed >= 0),
    ADD COLUMN other_sku text NOT NULL DEFAULT '' CHECK (length(other_sku) <= 64),
    DROP CONSTRAINT goods_return_check1,
    DROP CONSTRAINT goods_return_check2,
    DROP CONSTRAINT goods_return_check3,
    ADD CONSTRAINT goods_return_expected
        CHECK (state <> 'expected' OR accepted + damaged + wrong_item + unsalable + not_as_claimed = 0),
    ADD CONSTRAINT goods_return_partly
        CHECK (state <> 'partly_received' OR accepted + damaged + wrong_item + unsalable + not_as_claimed < announced),
    ADD CONSTRAINT goods_return_complete CHECK (state NOT IN ('fully_received', 'closed_short')
        OR announced + excess = accepted + damaged + wrong_item + unsalable + not_as_claimed + missing),
    ADD CONSTRAINT goods_return_other_sku CHECK (other_sku = '' OR wrong_item > 0);

ALTER TABLE return_receipt
    ADD COLUMN unsalable integer NOT NULL DEFAULT 0 CHECK (unsalable >= 0),
    ADD COLUMN not_as_claimed integer NOT NULL DEFAULT 0 CHECK (not_as_claimed >= 0),
    ADD COLUMN other_sku text NOT NULL DEFAULT '' CHECK (length(other_sku) <= 64),
    DROP CONSTRAINT return_receipt_check,
    ADD CONSTRAINT return_receipt_something
        CHECK (is_last OR accepted + damaged + wrong_item + unsalable + not_as_claimed > 0),
    ADD CONSTRAINT return_receipt_other_sku CHECK (other_sku = '' OR wrong_item > 0);

COMMENT ON COLUMN return_waiting.damaged IS 'units of the SKU of the return, whatever is wrong with them';

-- At commit, the counts of a return are the sums of its receipts. What waits in pending_inspection came and did not go to
-- qualified stock: faulty goods and other articles never do by themselves.
CREATE OR REPLACE FUNCTION return_counts_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong boolean;
BEGIN
    SELECT (g.accepted, g.damaged, g.wrong_item, g.unsalable, g.not_as_claimed) <>
            (coalesce(sum(r.accepted), 0), coalesce(sum(r.damaged), 0), coalesce(sum(r.wrong_item), 0),
             coalesce(sum(r.unsalable), 0), coalesce(sum(r.not_as_claimed), 0))
        INTO wrong
    FROM goods_return g
    LEFT JOIN return_receipt r USING (claim_id, round, line, attempt)
    WHERE g.claim_id = NEW.claim_id AND g.round = NEW.round AND g.line = NEW.line AND g.attempt = NEW.attempt
    GROUP BY g.accepted, g.damaged, g.wrong_item, g.unsalable, g.not_as_claimed;
    IF NOT wrong THEN
        SELECT coalesce(sum(w.damaged), 0) > g.accepted + g.damaged + g.unsalable + g.not_as_claimed
                - CASE WHEN g.reason IN ('faulty', 'wrong_item') THEN 0 ELSE least(g.accepted, g.announced) END
                OR coalesce(sum(w.wrong_item), 0) > g.wrong_item
            INTO wrong
        FROM goods_return g
        LEFT JOIN return_waiting w USING (claim_id, round, line, attempt)
        WHERE g.claim_id = NEW.claim_id AND g.round = NEW.round AND g.line = NEW.line AND g.attempt = NEW.attempt
        GROUP BY g.accepted, g.damaged, g.wrong_item, g.unsalable, g.not_as_claimed, g.reason, g.announced;
    END IF;
    IF wrong THEN
        RAISE EXCEPTION 'return of claim %: its counts are not those of its receipts', NEW.claim_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'return_counts_add_up';
    END IF;
    RETURN NULL;
END $$;
