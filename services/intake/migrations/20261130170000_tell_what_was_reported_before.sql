-- What is told of a claim beside its lines: the day the customer first told of the problem, whether goods can be sent to
-- the customer, and which claims it may repeat. Claims from before are taken as they were: told on the day of receipt,
-- with an address.
ALTER TABLE claim
    ADD COLUMN announced_on        date,
    -- NULL: it was not kept.
    ADD COLUMN address_known       boolean,
    -- Numbers of claims that this one may repeat, newest first.
    ADD COLUMN possible_duplicates text[] NOT NULL DEFAULT '{}' CHECK (cardinality(possible_duplicates) <= 5),
    -- The claim that a person has said this one repeats.
    ADD COLUMN duplicate_of        uuid   REFERENCES claim CHECK (duplicate_of <> claim_id),
    ADD COLUMN duplicate_of_number text   NOT NULL DEFAULT '' CHECK ((duplicate_of_number = '') = (duplicate_of IS NULL));

-- A day of some time zone: at the most one away from that of UTC.
ALTER TABLE claim ADD CONSTRAINT claim_announced_on_check CHECK (
    announced_on BETWEEN (received_at AT TIME ZONE 'UTC')::date - 401 AND (received_at AT TIME ZONE 'UTC')::date + 1
);

ALTER TABLE claim
    DROP CONSTRAINT claim_state_check,
    ADD CONSTRAINT claim_state_check CHECK (state IN (1, 2, 6, 9, 10, 11, 12, 13)),
    DROP CONSTRAINT claim_check,
    ADD CONSTRAINT claim_end_reason_check CHECK (end_reason = '' OR state IN (10, 11, 12, 13));
