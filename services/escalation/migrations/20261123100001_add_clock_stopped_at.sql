-- When the promise of a clock was kept, told by whom it was kept; a breach that is on record stays on record.
ALTER TABLE clock
    ADD COLUMN stopped_at timestamptz,
    ADD CONSTRAINT clock_stopped_at_check CHECK (stopped_at IS NULL OR state IN ('stopped', 'breached'));
