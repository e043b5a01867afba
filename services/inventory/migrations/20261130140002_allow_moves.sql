-- Goods are moved between zones, and sent back to customers.
ALTER TABLE movement DROP CONSTRAINT movement_kind_check, ADD CONSTRAINT movement_kind_check CHECK (kind IN
    ('receipt', 'adjustment', 'consumed', 'return', 'restocked', 'scrapped', 'supplier_return', 'moved', 'sent_back'));
