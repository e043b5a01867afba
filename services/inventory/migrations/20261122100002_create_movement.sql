-- The ledger (S4-33). The movements of a place are a chain: each one begins with the balance of the one before,
-- so that the last balance is the sum of all quantities. Foreign keys hold it, not trust.
CREATE TABLE movement (
    movement_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku         text        NOT NULL REFERENCES sku,
    batch       text        NOT NULL CHECK (length(batch) <= 64),
    warehouse   text        NOT NULL REFERENCES warehouse,
    zone        text        NOT NULL CHECK (zone IN ('qualified', 'unqualified', 'pending_inspection', 'valuables')),
    number      bigint      NOT NULL CHECK (number > 0),
    previous    bigint      GENERATED ALWAYS AS (nullif(number - 1, 0)) STORED,
    before      bigint      NOT NULL,
    quantity    bigint      NOT NULL CHECK (quantity <> 0),
    balance     bigint      NOT NULL CHECK (balance >= 0),
    kind        text        NOT NULL CHECK (kind IN
        ('receipt', 'adjustment', 'consumed', 'return', 'restocked', 'scrapped', 'supplier_return')),
    document    text        NOT NULL CHECK (length(document) <= 200),
    actor       text        NOT NULL,
    moved_at    timestamptz NOT NULL,
    UNIQUE (sku, batch, warehouse, zone, number),
    UNIQUE (sku, batch, warehouse, zone, number, balance),
    FOREIGN KEY (sku, batch, warehouse, zone, previous, before)
        REFERENCES movement (sku, batch, warehouse, zone, number, balance),
    CHECK (before + quantity = balance),
    CHECK (number > 1 OR before = 0)
);
