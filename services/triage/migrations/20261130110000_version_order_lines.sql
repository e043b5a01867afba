-- Order facts are versions: a line is what its newest facts say, and what was ever recorded of it stays (P56, S0-06).
-- An order can have several lines of one article, and a line is known by what was paid for it in all.
ALTER TABLE order_line
    ADD COLUMN line_id        text     NOT NULL DEFAULT '' CHECK (char_length(line_id) <= 32),
    ADD COLUMN version        integer  NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN kind           smallint NOT NULL DEFAULT 0 CHECK (kind BETWEEN 0 AND 3),
    ADD COLUMN paid_minor     bigint CHECK (paid_minor BETWEEN 0 AND 10000000000000),
    ADD COLUMN tax_minor      bigint CHECK (tax_minor BETWEEN 0 AND paid_minor),
    ADD COLUMN discount_minor bigint CHECK (discount_minor BETWEEN 0 AND 10000000000000),
    ADD COLUMN recorded_by    text     NOT NULL DEFAULT '',
    -- What spellings of one code have in common; `proto::codes::key` makes it.
    ADD COLUMN order_key      text,
    ADD COLUMN sku_key        text;

UPDATE order_line SET
    paid_minor = LEAST(unit_price_minor::numeric * quantity, 10000000000000)::bigint,
    order_key = lower(normalize(order_no, NFKC)),
    sku_key = lower(normalize(sku, NFKC));
UPDATE order_line SET
    order_key = COALESCE(NULLIF(ltrim(regexp_replace(order_key, '[-_./[:space:]‐‑‒–—―⁃−﹘]', '', 'g'), '#'), ''), order_key),
    sku_key = COALESCE(NULLIF(ltrim(regexp_replace(sku_key, '[-_./[:space:]‐‑‒–—―⁃−﹘]', '', 'g'), '#'), ''), sku_key);

ALTER TABLE order_line
    ALTER COLUMN paid_minor SET NOT NULL,
    ALTER COLUMN order_key SET NOT NULL,
    ALTER COLUMN sku_key SET NOT NULL,
    DROP CONSTRAINT order_line_pkey,
    ADD PRIMARY KEY (order_no, sku, line_id);
