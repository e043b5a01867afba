-- Every movement of the ledger with the work it was for: the rows of `entitlement` are the sums of these.
CREATE TABLE entitlement_entry (
    entry_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_no     text        NOT NULL,
    sku          text        NOT NULL,
    claim_id     uuid        NOT NULL,
    round        integer     NOT NULL,
    line         integer     NOT NULL,
    attempt      integer     NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('granted', 'given_back', 'given', 'taken_back')),
    units        integer     NOT NULL CHECK (units > 0),
    amount_minor bigint      NOT NULL CHECK (amount_minor >= 0),
    at           timestamptz NOT NULL,
    FOREIGN KEY (order_no, sku) REFERENCES entitlement (order_no, sku)
);

CREATE INDEX entitlement_entry_order_line ON entitlement_entry (order_no, sku, entry_id);
CREATE INDEX entitlement_entry_claim ON entitlement_entry (claim_id, entry_id);

CREATE TRIGGER entitlement_entry_append_only BEFORE UPDATE OR DELETE ON entitlement_entry
    FOR EACH ROW EXECUTE FUNCTION is_append_only();
