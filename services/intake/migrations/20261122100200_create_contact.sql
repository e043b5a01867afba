-- How to reach the customer: the only table with contact data in the whole product (N13).
CREATE TABLE contact (
    claim_id       uuid PRIMARY KEY REFERENCES claim,
    customer_name  text NOT NULL CHECK (length(customer_name) BETWEEN 1 AND 200),
    contact_person text NOT NULL CHECK (length(contact_person) <= 200),
    company        text NOT NULL CHECK (length(company) <= 200),
    phone          text NOT NULL CHECK (length(phone) <= 40),
    email          text NOT NULL CHECK (length(email) <= 254),
    address        text NOT NULL CHECK (length(address) <= 500),
    CHECK (phone <> '' OR email <> '')
);
