-- Contacts with the customer that one of us has logged: when, how, who sought it, and who says so. What was said is sealed
-- in `customer_word`. Rows are only added.
CREATE TABLE logged_contact (
    claim_id   uuid        NOT NULL REFERENCES claim,
    contact_no smallint    NOT NULL CHECK (contact_no BETWEEN 1 AND 100),
    at         timestamptz NOT NULL,
    -- As redress.claim.v1.Channel.
    channel    smallint    NOT NULL CHECK (channel BETWEEN 1 AND 7),
    -- As redress.intake.v1.ContactDirection.
    direction  smallint    NOT NULL CHECK (direction BETWEEN 1 AND 2),
    logged_by  text        NOT NULL CHECK (length(logged_by) > 0),
    logged_at  timestamptz NOT NULL CHECK (logged_at >= at),
    PRIMARY KEY (claim_id, contact_no),
    UNIQUE (claim_id, at, channel, direction)
);

CREATE FUNCTION logged_contact_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'contacts are append-only';
END $$;

CREATE TRIGGER logged_contact_append_only BEFORE UPDATE OR DELETE ON logged_contact
    FOR EACH ROW EXECUTE FUNCTION logged_contact_is_append_only();
CREATE TRIGGER logged_contact_stays BEFORE TRUNCATE ON logged_contact
    FOR EACH STATEMENT EXECUTE FUNCTION logged_contact_is_append_only();

-- How many there are: most claims have none, and nothing is looked up for them.
ALTER TABLE claim ADD COLUMN contacts smallint NOT NULL DEFAULT 0 CHECK (contacts BETWEEN 0 AND 100);
