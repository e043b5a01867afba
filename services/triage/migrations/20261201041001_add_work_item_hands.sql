-- Who has a work item, and whom it was raised to when it was overdue.
ALTER TABLE work_item
    ADD COLUMN assigned_to text    NOT NULL DEFAULT '' CHECK (length(assigned_to) <= 64),
    ADD COLUMN overdue     boolean NOT NULL DEFAULT false,
    ADD COLUMN raised_to   text,
    ADD COLUMN raised_at   timestamptz,
    ADD CONSTRAINT work_item_raised_check CHECK ((raised_to IS NULL) = (raised_at IS NULL));
