-- Lists of one state, oldest first.
CREATE INDEX shipment_state ON shipment (state, shipment_id);
