-- What an article was sold for at most, whoever bought it.
CREATE INDEX order_line_by_article ON order_line (sku_key);
