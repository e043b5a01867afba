-- A message in the name of somebody who may not publish it is parked with a reason of its own.
ALTER TABLE parked DROP CONSTRAINT parked_reason_check;
ALTER TABLE parked ADD CONSTRAINT parked_reason_check
    CHECK (reason IN ('UNDECODABLE', 'PERMANENT_FAULT', 'ATTEMPTS_USED_UP', 'BROKEN', 'BEHIND_PARKED', 'WRONG_ORIGIN'));
