-- The last number that was processed of what a service told about an aggregate: lower ones are known, the next one is
-- due, higher ones wait. It is never trimmed, so a whole journal can be published again without a second effect.
CREATE TABLE heard (
    aggregate uuid    NOT NULL,
    sender    text    NOT NULL,
    number    integer NOT NULL CHECK (number > 0),
    event_id  uuid    NOT NULL,
    PRIMARY KEY (aggregate, sender)
) WITH (fillfactor = 80);
