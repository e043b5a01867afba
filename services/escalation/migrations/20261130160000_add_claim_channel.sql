-- Where the claim came from, a number of the contract; 0: not told. Some channels have less time.
ALTER TABLE claim ADD COLUMN channel smallint NOT NULL DEFAULT 0 CHECK (channel BETWEEN 0 AND 100);
