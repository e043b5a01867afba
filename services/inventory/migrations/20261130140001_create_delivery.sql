-- Deliveries that a document names: the same document again is the same delivery. `contents` is derived from zone and lines.
CREATE TABLE delivery (
    warehouse text        NOT NULL REFERENCES warehouse,
    document  text        NOT NULL CHECK (length(document) BETWEEN 1 AND 64),
    contents  uuid        NOT NULL,
    actor     text        NOT NULL,
    booked_at timestamptz NOT NULL,
    PRIMARY KEY (warehouse, document)
);
