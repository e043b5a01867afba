-- The allocations of a place are added up at commit.
CREATE INDEX allocation_stock ON allocation (sku, batch, warehouse, zone) INCLUDE (quantity);
