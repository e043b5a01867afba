-- A ledger follows the versions of the order facts, an order may have several lines of one article, and what was given as
-- goods is kept apart: it may fail again.
ALTER TABLE entitlement
    ADD COLUMN line_id     text    NOT NULL DEFAULT '' CHECK (length(line_id) <= 64),
    ADD COLUMN version     integer NOT NULL DEFAULT 0 CHECK (version >= 0),
    -- Units and price by these facts; NULL, in rows of before: `sold` and `paid_minor`.
    ADD COLUMN facts_sold  integer CHECK (facts_sold >= 0),
    ADD COLUMN facts_minor bigint CHECK (facts_minor >= 0),
    -- Of `given` and `compensated_minor`, what was given as goods while what it replaces has not come back.
    ADD COLUMN replaced    integer NOT NULL DEFAULT 0,
    ADD COLUMN goods_minor bigint  NOT NULL DEFAULT 0,
    ADD CONSTRAINT entitlement_replaced CHECK (replaced BETWEEN 0 AND given),
    ADD CONSTRAINT entitlement_goods CHECK (goods_minor BETWEEN 0 AND compensated_minor),
    ALTER COLUMN unit_price_minor SET DEFAULT 0;

ALTER TABLE entitlement_entry
    DROP CONSTRAINT entitlement_entry_order_no_sku_fkey,
    DROP CONSTRAINT entitlement_entry_kind_check,
    DROP CONSTRAINT entitlement_entry_units_check,
    ADD COLUMN line_id text    NOT NULL DEFAULT '',
    ADD COLUMN version integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT entitlement_entry_kind_check CHECK (kind IN
        ('granted', 'granted_again', 'given_back', 'given', 'given_goods', 'taken_back', 'taken_back_goods', 'corrected')),
    -- A correction says how many were sold: perhaps none.
    ADD CONSTRAINT entitlement_entry_units_check CHECK (units > 0 OR (kind = 'corrected' AND units = 0));

ALTER TABLE entitlement
    DROP CONSTRAINT entitlement_pkey,
    ADD CONSTRAINT entitlement_pkey PRIMARY KEY (order_no, sku, line_id);

ALTER TABLE entitlement_entry
    ADD CONSTRAINT entitlement_entry_order_line_fkey
    FOREIGN KEY (order_no, sku, line_id) REFERENCES entitlement (order_no, sku, line_id);

-- What was given before and never instructed to finance were goods.
UPDATE entitlement e
SET replaced = LEAST(GREATEST(g.units, 0), e.given), goods_minor = LEAST(GREATEST(g.amount, 0), e.compensated_minor)
FROM (
    SELECT n.order_no, n.sku,
        sum(CASE n.kind WHEN 'given' THEN n.units WHEN 'taken_back' THEN -n.units ELSE 0 END) AS units,
        sum(CASE n.kind WHEN 'given' THEN n.amount_minor WHEN 'taken_back' THEN -n.amount_minor ELSE 0 END) AS amount
    FROM entitlement_entry n
    WHERE NOT EXISTS (
        SELECT FROM settlement s WHERE s.claim_id = n.claim_id AND s.round = n.round AND s.line = n.line)
    GROUP BY n.order_no, n.sku
) g
WHERE e.order_no = g.order_no AND e.sku = g.sku;
