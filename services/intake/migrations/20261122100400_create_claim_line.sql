-- One product on one order line, as the customer reported it. Never changed: corrections are the business of triage.
CREATE TABLE claim_line (
    claim_id          uuid     NOT NULL REFERENCES claim,
    line              smallint NOT NULL CHECK (line BETWEEN 1 AND 100),
    order_no          text     NOT NULL CHECK (length(order_no) <= 64),
    sku               text     NOT NULL CHECK (length(sku) BETWEEN 1 AND 64),
    batch             text     NOT NULL CHECK (length(batch) <= 64),
    serials           text[]   NOT NULL CHECK (cardinality(serials) <= 100 AND cardinality(serials) <= quantity),
    quantity          integer  NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    category          smallint NOT NULL CHECK (category BETWEEN 0 AND 20),
    wish              smallint NOT NULL CHECK (wish BETWEEN 0 AND 6),
    delivered_on      date,
    occurred_on       date,
    description       text     NOT NULL CHECK (length(description) <= 4000),
    safety_risk       boolean  NOT NULL,
    operation_stopped boolean  NOT NULL,
    PRIMARY KEY (claim_id, line)
);
