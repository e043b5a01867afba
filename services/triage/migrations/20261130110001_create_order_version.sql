-- All that was ever recorded about an order line, with who and when. Added to, never changed.
CREATE TABLE order_version (
    order_no       text        NOT NULL CHECK (char_length(order_no) BETWEEN 1 AND 64),
    sku            text        NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    line_id        text        NOT NULL CHECK (char_length(line_id) <= 32),
    version        integer     NOT NULL CHECK (version > 0),
    customer_ref   text        NOT NULL CHECK (char_length(customer_ref) <= 64),
    quantity       integer     NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    paid_minor     bigint      NOT NULL CHECK (paid_minor BETWEEN 0 AND 10000000000000),
    tax_minor      bigint CHECK (tax_minor BETWEEN 0 AND paid_minor),
    discount_minor bigint CHECK (discount_minor BETWEEN 0 AND 10000000000000),
    currency       char(3)     NOT NULL,
    kind           smallint    NOT NULL CHECK (kind BETWEEN 0 AND 3),
    purchased_on   date        NOT NULL,
    delivered_on   date,
    warranty_until date CHECK (warranty_until >= purchased_on),
    repaired_on    date CHECK (repaired_on >= purchased_on),
    recorded_by    text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CHECK (delivered_on >= purchased_on),
    PRIMARY KEY (order_no, sku, line_id, version)
);
INSERT INTO order_version (order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, discount_minor,
    currency, kind, purchased_on, delivered_on, recorded_by, recorded_at)
SELECT order_no, sku, line_id, version, customer_ref, quantity, paid_minor, tax_minor, discount_minor,
    currency, kind, purchased_on, delivered_on, recorded_by, recorded_at
FROM order_line;

CREATE FUNCTION order_version_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'versions of order lines are append-only';
END $$;

CREATE TRIGGER order_version_append_only BEFORE UPDATE OR DELETE ON order_version
    FOR EACH ROW EXECUTE FUNCTION order_version_is_append_only();
