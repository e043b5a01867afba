-- The time that technicians have given, in quarters of an hour: nobody is in two places at once.
CREATE TABLE technician_slot (
    technician_id text        NOT NULL REFERENCES technician,
    slot          timestamptz NOT NULL CHECK (extract(epoch FROM slot) % 900 = 0),
    visit_id      uuid        NOT NULL REFERENCES visit,
    PRIMARY KEY (technician_id, slot)
);
