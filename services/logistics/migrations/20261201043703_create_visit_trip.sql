-- Trips that have ended, as they were reported.
CREATE TABLE visit_trip (
    visit_id      uuid        NOT NULL REFERENCES visit,
    number        integer     NOT NULL CHECK (number > 0),
    technician_id text        NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > starts_at),
    outcome       text        NOT NULL CHECK (outcome IN ('done', 'failed')),
    failure       text,
    work          text        NOT NULL,
    material      text        NOT NULL,
    serial_out    text        NOT NULL,
    serial_in     text        NOT NULL,
    reported_at   timestamptz NOT NULL,
    PRIMARY KEY (visit_id, number),
    CHECK ((outcome = 'failed') = (failure IS NOT NULL))
);
