-- What finance was told to pay, as it was told: added to, never changed, and sealed. A settlement that says something else was
-- altered behind the service's back.
CREATE TABLE instruction (
    number             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    settlement_id      uuid        NOT NULL UNIQUE REFERENCES settlement,
    claim_id           uuid        NOT NULL,
    round              integer     NOT NULL CHECK (round > 0),
    line               integer     NOT NULL CHECK (line > 0),
    attempt            integer     NOT NULL CHECK (attempt > 0),
    quantity           integer     NOT NULL CHECK (quantity > 0),
    amount_minor       bigint      NOT NULL CHECK (amount_minor >= 0),
    freight_kept_minor bigint      NOT NULL CHECK (freight_kept_minor >= 0),
    currency           char(3)     NOT NULL,
    at                 timestamptz NOT NULL,
    tx                 bigint      NOT NULL DEFAULT (pg_current_xact_id()::text::bigint)
);

CREATE INDEX instruction_sealed ON instruction (tx, number);

CREATE TRIGGER instruction_append_only BEFORE UPDATE OR DELETE ON instruction
    FOR EACH ROW EXECUTE FUNCTION is_append_only();

INSERT INTO instruction (settlement_id, claim_id, round, line, attempt, quantity, amount_minor, freight_kept_minor, currency, at)
SELECT settlement_id, claim_id, round, line, attempt, quantity, amount_minor, freight_kept_minor, currency, now()
FROM settlement
ORDER BY instructed_at, settlement_id;
