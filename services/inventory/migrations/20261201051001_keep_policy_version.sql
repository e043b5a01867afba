-- The version of the policy pack that the claim of a reservation goes by; 0: it began before versions were kept, and has the oldest.
ALTER TABLE reservation ADD COLUMN policy_version integer NOT NULL DEFAULT 0 CHECK (policy_version >= 0);
