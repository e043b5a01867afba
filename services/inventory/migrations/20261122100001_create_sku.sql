-- What can be stocked. Its row is the lock of all stock, reservations and returns of the SKU: one writer at a time.
CREATE TABLE sku (
    sku         text PRIMARY KEY CHECK (length(sku) BETWEEN 1 AND 64),
    description text NOT NULL CHECK (length(description) <= 200)
);
