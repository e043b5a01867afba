-- The work items of a claim are read together.
CREATE INDEX work_item_by_claim ON work_item (claim_id);
