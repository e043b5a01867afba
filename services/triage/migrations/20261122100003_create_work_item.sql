-- What waits for a person who judges; its content is what the person is shown.
CREATE TABLE work_item (
    work_item_id uuid        NOT NULL PRIMARY KEY,
    claim_id     uuid        NOT NULL,
    number       integer     NOT NULL CHECK (number > 0),
    role         smallint    NOT NULL,
    reason       text        NOT NULL,
    urgency      integer     NOT NULL CHECK (urgency BETWEEN 0 AND 1000),
    due_at       timestamptz NOT NULL,
    state        text        NOT NULL CHECK (state IN ('open', 'decided', 'closed')),
    version      bigint      NOT NULL CHECK (version > 0),
    opened_at    timestamptz NOT NULL,
    ended_at     timestamptz,
    ended_by     text,
    note         text        NOT NULL,
    content      bytea       NOT NULL,
    CHECK ((state = 'open') = (ended_at IS NULL))
);
