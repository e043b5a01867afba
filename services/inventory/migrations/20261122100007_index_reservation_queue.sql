-- Back-orders of a SKU are filled oldest first.
CREATE INDEX reservation_queue ON reservation (sku, queued_at) WHERE state = 'held_partly';
