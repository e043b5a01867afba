-- What came back is not as announced: a person decides what counts.
ALTER TABLE work_item DROP CONSTRAINT work_item_kind_check, ADD CONSTRAINT work_item_kind_check CHECK (kind IN
    ('approval', 'support', 'leg_failed', 'compensation_failed', 'escalation', 'return_mismatch'));
