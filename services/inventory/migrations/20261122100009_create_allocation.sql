-- Which stock a reservation holds: qualified stock of its SKU.
CREATE TABLE allocation (
    claim_id  uuid    NOT NULL,
    round     integer NOT NULL,
    line      integer NOT NULL,
    attempt   integer NOT NULL,
    sku       text    NOT NULL,
    batch     text    NOT NULL,
    warehouse text    NOT NULL,
    zone      text    NOT NULL CHECK (zone = 'qualified'),
    quantity  integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (claim_id, round, line, attempt, sku, batch, warehouse, zone),
    FOREIGN KEY (claim_id, round, line, attempt) REFERENCES reservation,
    FOREIGN KEY (sku, batch, warehouse, zone) REFERENCES stock
);
