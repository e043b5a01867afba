-- Messages that could not be processed. Later messages of the same aggregate wait behind them, in order.
CREATE TABLE parked (
    parked_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aggregate uuid        NOT NULL,
    consumer  text        NOT NULL,
    event_id  uuid        NOT NULL,
    subject   text        NOT NULL,
    payload   bytea       NOT NULL,
    reason    text        NOT NULL CHECK (reason IN ('UNDECODABLE', 'PERMANENT_FAULT', 'ATTEMPTS_USED_UP', 'BROKEN', 'BEHIND_PARKED')),
    detail    text        NOT NULL,
    actor     text        NOT NULL,
    trace     text,
    at        timestamptz NOT NULL,
    UNIQUE (consumer, event_id)
);

CREATE INDEX parked_aggregate ON parked (aggregate, parked_id);
