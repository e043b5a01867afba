-- The list of all work items, ended ones too, page by page.
CREATE INDEX work_item_due ON work_item (due_at, work_item_id);
