-- How far the time has come, one row: a clock of the database that jumps back does not re-open the past.
CREATE TABLE time_mark (
    single boolean     PRIMARY KEY DEFAULT true CHECK (single),
    at     timestamptz NOT NULL
);

INSERT INTO time_mark (at) VALUES (now());
