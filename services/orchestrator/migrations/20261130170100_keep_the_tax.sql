-- The tax in what was paid, and in what was given back: refunds in whatever portions have together what was paid.
ALTER TABLE entitlement
    -- NULL: the order facts do not say it.
    ADD COLUMN tax_minor   bigint CHECK (tax_minor >= 0),
    ADD COLUMN taxed_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT entitlement_taxed CHECK (taxed_minor BETWEEN 0 AND compensated_minor);

ALTER TABLE settlement
    -- NULL: not known.
    ADD COLUMN tax_minor bigint CHECK (tax_minor >= 0),
    ADD CONSTRAINT settlement_tax CHECK (tax_minor <= amount_minor + freight_kept_minor);
