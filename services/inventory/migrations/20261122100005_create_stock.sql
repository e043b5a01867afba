-- Stock at a place: on_hand is the balance of its last movement, reserved the sum of its allocations (domain rule 4).
CREATE TABLE stock (
    sku       text   NOT NULL,
    batch     text   NOT NULL,
    warehouse text   NOT NULL,
    zone      text   NOT NULL,
    on_hand   bigint NOT NULL,
    reserved  bigint NOT NULL CHECK (reserved BETWEEN 0 AND on_hand),
    moves     bigint NOT NULL,
    PRIMARY KEY (sku, batch, warehouse, zone),
    FOREIGN KEY (sku, batch, warehouse, zone, moves, on_hand)
        REFERENCES movement (sku, batch, warehouse, zone, number, balance),
    CHECK (reserved = 0 OR zone = 'qualified')
);
