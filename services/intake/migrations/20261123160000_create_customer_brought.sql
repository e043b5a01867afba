-- What customers bring by own calls: claims and evidence files, for as long as they count for the quota of a day. Rows of
-- staff and of systems of the shop are not here: they have no quota. What counts no more is removed when its customer
-- brings more, so a customer has never more rows than a day may have, and some old ones.
CREATE TABLE customer_brought (
    -- The claim or the file.
    id           uuid        PRIMARY KEY,
    customer_ref text        NOT NULL CHECK (length(customer_ref) BETWEEN 1 AND 64),
    -- Bytes of a file as they are stored; NULL: a claim.
    bytes        bigint      CHECK (bytes >= 0),
    at           timestamptz NOT NULL
);

CREATE INDEX customer_brought_day ON customer_brought (customer_ref, at);
