-- What a customer may still get for a sold unit, over all claims of the order line: never twice (domain rule 1).
CREATE TABLE entitlement (
    order_no          text    NOT NULL CHECK (length(order_no) <= 64),
    sku               text    NOT NULL CHECK (length(sku) <= 64),
    sold              integer NOT NULL CHECK (sold >= 0),
    unit_price_minor  bigint  NOT NULL CHECK (unit_price_minor >= 0),
    paid_minor        bigint  NOT NULL CHECK (paid_minor >= 0),
    currency          char(3) NOT NULL,
    held              integer NOT NULL DEFAULT 0 CHECK (held >= 0),
    given             integer NOT NULL DEFAULT 0 CHECK (given >= 0),
    compensated_minor bigint  NOT NULL DEFAULT 0 CHECK (compensated_minor >= 0),
    PRIMARY KEY (order_no, sku),
    CONSTRAINT entitlement_units CHECK (held + given <= sold),
    CONSTRAINT entitlement_money CHECK (compensated_minor <= paid_minor)
);
