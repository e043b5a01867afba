-- What needs a version of the policy pack that is not loaded is parked until it is.
ALTER TABLE parked DROP CONSTRAINT parked_reason_check;
ALTER TABLE parked ADD CONSTRAINT parked_reason_check
    CHECK (reason IN ('UNDECODABLE', 'PERMANENT_FAULT', 'ATTEMPTS_USED_UP', 'BROKEN', 'BEHIND_PARKED', 'WRONG_ORIGIN',
        'POLICY_VERSION_UNKNOWN'));
