-- It was told that nobody has decided in time.
ALTER TABLE work_item ADD COLUMN overdue boolean NOT NULL DEFAULT false;
