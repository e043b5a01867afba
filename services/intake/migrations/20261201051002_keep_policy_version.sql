-- The version of the policy pack that a claim goes by to its end; 0: it began before versions were kept, and has the oldest.
ALTER TABLE claim ADD COLUMN policy_version integer NOT NULL DEFAULT 0 CHECK (policy_version >= 0);
