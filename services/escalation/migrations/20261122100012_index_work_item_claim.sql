-- Everything of a claim is read together.
CREATE INDEX work_item_claim ON work_item (claim_id);
