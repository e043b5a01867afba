-- A claim may wait for several parties at once: lists look for each of them, not only for the one that holds up the most.
-- Bit n: it waits for party n of redress.claim.v1.WaitingFor. The number of the state of a merged claim is 13.
ALTER TABLE process
    ADD COLUMN parties integer NOT NULL DEFAULT 0 CHECK (parties >= 0),
    DROP CONSTRAINT process_state_check,
    ADD CONSTRAINT process_state_check CHECK (state BETWEEN 1 AND 13),
    DROP CONSTRAINT process_waiting_for_check,
    ADD CONSTRAINT process_waiting_for_check CHECK (waiting_for BETWEEN 0 AND 12);

-- Claims that are open know one party; they name all of them with their next step.
UPDATE process SET parties = 1 << waiting_for WHERE state < 10;

ALTER TABLE process ADD CONSTRAINT process_parties_check1 CHECK ((state >= 10) = (parties = 0));

-- Whoever looks for a party looks through the claims that are open.
DROP INDEX process_waiting_for;
CREATE INDEX process_open ON process (claim_id) WHERE state < 10;
