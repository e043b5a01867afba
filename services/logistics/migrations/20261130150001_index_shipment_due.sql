-- Parcels whose day has passed, and the carrier's own numbers: a number is of one parcel.
CREATE INDEX shipment_due ON shipment (due_on) WHERE due_on IS NOT NULL;
CREATE UNIQUE INDEX shipment_carrier_tracking_no ON shipment (carrier_tracking_no) WHERE carrier_tracking_no IS NOT NULL;
