-- What a visit gives back.
CREATE INDEX technician_slot_visit ON technician_slot (visit_id);
