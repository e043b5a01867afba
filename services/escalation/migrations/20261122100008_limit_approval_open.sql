-- Only the newest plan of a claim waits for approval.
CREATE UNIQUE INDEX approval_open ON approval (claim_id) WHERE state = 'open';
