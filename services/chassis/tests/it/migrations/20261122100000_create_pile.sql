-- What the toy service piles up.
CREATE TABLE pile (name text PRIMARY KEY, size bigint NOT NULL CHECK (size >= 0));
