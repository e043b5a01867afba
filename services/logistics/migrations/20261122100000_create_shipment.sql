-- A parcel to or from a customer, or the memory that one was called off before it was asked for.
CREATE TABLE shipment (
    shipment_id uuid        PRIMARY KEY,
    claim_id    uuid        NOT NULL,
    round       integer     NOT NULL CHECK (round > 0),
    line        integer     NOT NULL CHECK (line > 0),
    attempt     integer     NOT NULL CHECK (attempt > 0),
    direction   text        NOT NULL CHECK (direction IN ('outbound', 'return')),
    state       text        NOT NULL CHECK (state IN ('booked', 'packed', 'handed_over', 'in_transit', 'delivered', 'delayed',
                                                      'damaged', 'lost', 'refused', 'cancelled', 'not_served')),
    tracking_no text        UNIQUE,
    carrier     text,
    mode        text        CHECK (mode IN ('express', 'freight_line', 'dedicated_vehicle')),
    sku         text        NOT NULL,
    quantity    bigint      NOT NULL CHECK (quantity >= 0),
    country     text        NOT NULL,
    cost_minor  bigint      CHECK (cost_minor >= 0),
    currency    char(3),
    promised_on date,
    moved_at    timestamptz,
    version     bigint      NOT NULL CHECK (version > 0),
    UNIQUE (claim_id, direction, round, line, attempt),
    CHECK (state IN ('cancelled', 'not_served')
        OR (tracking_no IS NOT NULL AND carrier IS NOT NULL AND mode IS NOT NULL AND cost_minor IS NOT NULL
            AND currency IS NOT NULL AND promised_on IS NOT NULL AND quantity > 0))
);
