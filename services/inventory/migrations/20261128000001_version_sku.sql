-- Whatever changes below a SKU moves its version: what was read without a lock is written only if nothing has changed
-- meanwhile, neither stock nor who waits for it. Rows that change often stay in their page.
ALTER TABLE sku ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE sku SET (fillfactor = 50);
