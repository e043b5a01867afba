-- Why a parcel is where it is, the carrier's own number, the days that moved, and the day after which it is looked for.
ALTER TABLE shipment
    ADD COLUMN reason              text,
    ADD COLUMN carrier_tracking_no text,
    ADD COLUMN expected_on         date,
    ADD COLUMN held_until          date,
    ADD COLUMN overdue             boolean NOT NULL DEFAULT false,
    ADD COLUMN due_on              date,
    ADD CONSTRAINT shipment_reason CHECK (
        (reason IS NULL)
        OR (reason IN ('delivery_attempted', 'held_for_collection', 'customs_hold') AND state IN ('in_transit', 'delayed'))
        OR (reason IN ('returning_to_sender', 'returned_to_sender', 'not_collected') AND state = 'refused')
        OR (reason IN ('delivered_damaged', 'delivered_incomplete') AND state = 'delivered')
        OR (reason = 'destroyed' AND state = 'lost')
        OR (reason IN ('pickup_nobody_there', 'pickup_not_ready') AND state IN ('booked', 'packed'))
        OR (reason = 'overdue' AND state IN ('booked', 'packed', 'delayed', 'damaged'))),
    ADD CONSTRAINT shipment_held_until CHECK (
        CASE reason
            WHEN 'held_for_collection' THEN held_until IS NOT NULL
            WHEN 'not_collected' THEN true
            ELSE held_until IS NULL
        END),
    ADD CONSTRAINT shipment_due_on CHECK (
        due_on IS NULL
        OR (tracking_no IS NOT NULL AND state IN ('booked', 'packed', 'handed_over', 'in_transit', 'delayed', 'damaged'))),
    ADD CONSTRAINT shipment_expected_on CHECK (expected_on IS NULL OR tracking_no IS NOT NULL);

-- Parcels on their way have a day already.
UPDATE shipment SET due_on = promised_on
WHERE state IN ('booked', 'packed', 'handed_over', 'in_transit', 'delayed')
    OR (state = 'damaged' AND direction = 'return');

ALTER TABLE tracking_event
    ADD COLUMN reason      text CHECK (reason IN ('delivery_attempted', 'held_for_collection', 'customs_hold',
                                                  'returning_to_sender', 'returned_to_sender', 'not_collected',
                                                  'delivered_damaged', 'delivered_incomplete', 'destroyed',
                                                  'pickup_nobody_there', 'pickup_not_ready', 'overdue')),
    ADD COLUMN held_until  date,
    ADD COLUMN expected_on date;
