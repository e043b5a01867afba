-- A breach waits for one level at a time.
CREATE UNIQUE INDEX work_item_escalation ON work_item (claim_id, clock, round) WHERE clock IS NOT NULL AND state = 'open';
