-- The sweep asks which claims have provisional deadlines, and whether they are known by now.
CREATE INDEX clock_provisional ON clock (claim_id) INCLUDE (kind, deadline)
    WHERE provisional AND state IN ('running', 'paused');
