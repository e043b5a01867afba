-- Who has a work item, whom it was raised to when it was overdue, and when it was taken back.
ALTER TABLE work_item
    ADD COLUMN assigned_to text NOT NULL DEFAULT '' CHECK (length(assigned_to) <= 64),
    ADD COLUMN raised_to   text,
    ADD COLUMN raised_at   timestamptz,
    ADD COLUMN closed_at   timestamptz,
    ADD CONSTRAINT work_item_raised_check CHECK ((raised_to IS NULL) = (raised_at IS NULL));
