-- The sales channel that has brought a claim: it sees and changes those, and no others. Empty: a customer, staff, or a system
-- that is bound to nothing. Of claims before, nobody knows any more.
ALTER TABLE claim ADD COLUMN brought_by text NOT NULL DEFAULT '' CHECK (length(brought_by) <= 64);

CREATE INDEX claim_brought_by ON claim (brought_by, claim_id) WHERE brought_by <> '';

-- Whether somebody has confirmed that the e-mail address is the customer's: staff or a system that reported it, the issuer of
-- the customer's token, or the read-back. To one that nobody confirmed goes one notice (SR18). Before, nobody asked.
ALTER TABLE claim ADD COLUMN email_confirmed boolean NOT NULL DEFAULT true;
