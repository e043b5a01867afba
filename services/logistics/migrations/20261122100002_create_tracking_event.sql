-- What carriers saw. The same id of the carrier is the same event.
CREATE TABLE tracking_event (
    shipment_id      uuid        NOT NULL REFERENCES shipment,
    carrier_event_id text        NOT NULL,
    place            bigint      GENERATED ALWAYS AS IDENTITY,
    state            text        NOT NULL CHECK (state IN ('booked', 'packed', 'handed_over', 'in_transit', 'delivered',
                                                           'delayed', 'damaged', 'lost', 'refused', 'cancelled')),
    changed          boolean     NOT NULL,
    occurred_at      timestamptz NOT NULL,
    detail           text        NOT NULL,
    reported_at      timestamptz NOT NULL,
    PRIMARY KEY (shipment_id, carrier_event_id)
);
