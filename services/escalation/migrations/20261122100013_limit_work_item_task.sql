-- A task is put on a list once.
CREATE UNIQUE INDEX work_item_task ON work_item (claim_id, round, line, attempt, leg, kind) WHERE leg IS NOT NULL;
