-- Orders are found by what spellings of a number have in common.
CREATE INDEX order_line_by_key ON order_line (order_key, sku_key);
-- A customer who does not know the order number is found by what was bought, newest first.
CREATE INDEX order_line_by_customer_key ON order_line (customer_ref, sku_key, purchased_on DESC, order_no DESC);
DROP INDEX order_line_by_customer;
