-- A failed shipment or pick-up waits for logistics, as its work item says.
ALTER TABLE process
    DROP CONSTRAINT process_waiting_for_check,
    ADD CONSTRAINT process_waiting_for_check CHECK (waiting_for BETWEEN 0 AND 9);
