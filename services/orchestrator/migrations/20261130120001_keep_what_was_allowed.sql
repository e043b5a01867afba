-- Finance is never told more than the plan that was allowed says for the line, and knows what was kept of it.
ALTER TABLE settlement
    -- NULL: instructed before it was kept.
    ADD COLUMN allowed_minor      bigint CHECK (allowed_minor >= 0),
    ADD COLUMN freight_kept_minor bigint NOT NULL DEFAULT 0 CHECK (freight_kept_minor >= 0),
    ADD COLUMN credit_note        text   NOT NULL DEFAULT '' CHECK (length(credit_note) <= 64),
    ADD CONSTRAINT settlement_allowed CHECK (amount_minor + freight_kept_minor <= allowed_minor);
