-- All that may say who a customer is: sealed under the key of the customer, field by field. XChaCha20-Poly1305: a version
-- byte, a nonce of 24 bytes, the text, a tag of 16 bytes. Customer, row and field are bound to it: a field that is moved
-- cannot be opened.
DROP TABLE contact;
CREATE TABLE contact (
    claim_id       uuid  PRIMARY KEY REFERENCES claim,
    -- The key of all that is sealed of the claim.
    key_id         uuid  NOT NULL REFERENCES customer_key,
    customer_name  bytea NOT NULL CHECK (length(customer_name) BETWEEN 41 AND 1024),
    contact_person bytea NOT NULL CHECK (length(contact_person) BETWEEN 41 AND 1024),
    company        bytea NOT NULL CHECK (length(company) BETWEEN 41 AND 1024),
    phone          bytea NOT NULL CHECK (length(phone) BETWEEN 41 AND 1024),
    email          bytea NOT NULL CHECK (length(email) BETWEEN 41 AND 2048),
    address        bytea NOT NULL CHECK (length(address) BETWEEN 41 AND 4096)
);

CREATE INDEX contact_key ON contact (key_id);

ALTER TABLE claim_line DROP COLUMN description;
ALTER TABLE claim_line ADD COLUMN description bytea NOT NULL CHECK (length(description) BETWEEN 41 AND 20000);
ALTER TABLE evidence DROP COLUMN name;
ALTER TABLE evidence ADD COLUMN name bytea NOT NULL CHECK (length(name) BETWEEN 41 AND 1024);
ALTER TABLE customer_word DROP COLUMN text;
ALTER TABLE customer_word ADD COLUMN text bytea NOT NULL CHECK (length(text) BETWEEN 41 AND 20000);
