-- Whatever changes of a claim moves its version: what was read without a lock is written only if it is still so.
ALTER TABLE claim ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);
