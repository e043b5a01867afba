-- The public events of each claim, 1, 2, 3 … without gaps, as they were published.
CREATE TABLE timeline (
    claim_id uuid        NOT NULL,
    number   integer     NOT NULL CHECK (number > 0),
    event    bytea       NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (claim_id, number)
);

CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline
    FOR EACH ROW EXECUTE FUNCTION is_append_only();
