-- A customer who does not know the order number is found by what was bought, newest first.
CREATE INDEX order_line_by_customer ON order_line (customer_ref, sku, purchased_on DESC, order_no DESC);
