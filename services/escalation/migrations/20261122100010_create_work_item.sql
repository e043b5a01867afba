-- What waits for people: a task of a leg, one step of an approval, or the answer to a breach.
CREATE TABLE work_item (
    work_item_id uuid        PRIMARY KEY,
    claim_id     uuid        NOT NULL REFERENCES claim,
    kind         text        NOT NULL CHECK (kind IN
        ('approval', 'support', 'leg_failed', 'compensation_failed', 'escalation')),
    state        text        NOT NULL CHECK (state IN ('open', 'decided', 'closed')),
    role         text        NOT NULL CHECK (role IN
        ('specialist', 'supervisor', 'warehouse', 'quality', 'logistics', 'finance', 'management')),
    reason       text        NOT NULL CHECK (length(reason) <= 64),
    opened_at    timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    version      bigint      NOT NULL CHECK (version > 0),
    -- Of a task: the work. Of an escalation: the clock and its round. Of an approval: the plan and the step.
    round        integer,
    line         integer,
    attempt      integer,
    leg          text        CHECK (leg IN
        ('entitlement', 'reservation', 'shipment', 'pickup', 'receipt', 'settlement', 'support')),
    clock        text,
    plan_number  integer,
    step         integer,
    steps        integer     CHECK (step BETWEEN 1 AND steps),
    ruling       text        CHECK (ruling IN ('approve', 'deny', 'retry')),
    decided_by   text,
    note         text        CHECK (length(note) <= 1000),
    decided_at   timestamptz,
    CHECK (num_nulls(ruling, decided_by, note, decided_at) = CASE WHEN state = 'decided' THEN 0 ELSE 4 END),
    CHECK (CASE kind
        WHEN 'approval' THEN num_nulls(plan_number, step, steps) = 0
            AND num_nonnulls(round, line, attempt, leg, clock) = 0
        WHEN 'escalation' THEN num_nulls(clock, round) = 0
            AND num_nonnulls(line, attempt, leg, plan_number, step, steps) = 0
        ELSE num_nulls(round, line, attempt, leg) = 0 AND num_nonnulls(clock, plan_number, step, steps) = 0 END),
    FOREIGN KEY (claim_id, clock, round) REFERENCES clock (claim_id, kind, round),
    FOREIGN KEY (claim_id, plan_number) REFERENCES approval (claim_id, plan_number)
);
