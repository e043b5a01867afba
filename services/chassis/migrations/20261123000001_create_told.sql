-- The last number of what this service told another about an aggregate: 1, 2, 3 … without gaps, in the order of commit.
-- The receiver restores this order, whatever replicas, crashes and redelivery make of it.
CREATE TABLE told (
    aggregate   uuid    NOT NULL,
    destination text    NOT NULL,
    number      integer NOT NULL CHECK (number > 0),
    PRIMARY KEY (aggregate, destination)
) WITH (fillfactor = 80);
