-- A step of an approval is asked for once.
CREATE UNIQUE INDEX work_item_step ON work_item (claim_id, plan_number, step) WHERE plan_number IS NOT NULL;
