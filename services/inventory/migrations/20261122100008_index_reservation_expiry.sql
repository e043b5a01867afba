-- Holds that run out are found by one scan.
CREATE INDEX reservation_expiry ON reservation (expires_at) WHERE expires_at IS NOT NULL;
