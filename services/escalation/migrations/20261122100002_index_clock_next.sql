-- The sweep asks which clocks are due.
CREATE INDEX clock_next ON clock (next_at) WHERE next_at IS NOT NULL;
