-- Counts the claims, for the number a customer can quote. A gap after a crash is harmless: the number only has to be unique.
CREATE SEQUENCE claim_number AS bigint;
