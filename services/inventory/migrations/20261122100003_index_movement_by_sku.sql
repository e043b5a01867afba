-- The movements of a SKU are listed newest first.
CREATE INDEX movement_sku ON movement (sku, movement_id);
