-- What was sold to whom at what price: the facts that eligibility and refunds rest on.
CREATE TABLE order_line (
    order_no         text        NOT NULL CHECK (char_length(order_no) BETWEEN 1 AND 64),
    sku              text        NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    customer_ref     text        NOT NULL CHECK (char_length(customer_ref) <= 64),
    quantity         integer     NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    unit_price_minor bigint      NOT NULL CHECK (unit_price_minor BETWEEN 0 AND 10000000000000),
    currency         char(3)     NOT NULL,
    purchased_on     date        NOT NULL,
    delivered_on     date,
    recorded_at      timestamptz NOT NULL,
    PRIMARY KEY (order_no, sku)
);
