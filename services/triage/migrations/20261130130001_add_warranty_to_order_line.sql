-- The end of a warranty that was sold with the goods, and when they were repaired: both count for the warranty.
ALTER TABLE order_line
    ADD COLUMN warranty_until date,
    ADD COLUMN repaired_on    date,
    ADD CONSTRAINT order_line_warranty_until CHECK (warranty_until >= purchased_on) NOT VALID,
    ADD CONSTRAINT order_line_repaired_on CHECK (repaired_on >= purchased_on) NOT VALID;
