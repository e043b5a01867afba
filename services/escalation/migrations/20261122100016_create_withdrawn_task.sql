-- Tasks that were taken back, perhaps before they came: they are never opened afterwards.
CREATE TABLE withdrawn_task (
    claim_id uuid    NOT NULL REFERENCES claim,
    round    integer NOT NULL,
    line     integer NOT NULL,
    attempt  integer NOT NULL,
    leg      text    NOT NULL,
    PRIMARY KEY (claim_id, round, line, attempt, leg)
);
