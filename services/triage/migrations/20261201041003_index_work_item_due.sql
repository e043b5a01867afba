-- The list of all work items by due time, ended ones too, page by page; what is overdue is found by it, too.
CREATE INDEX work_item_due ON work_item (due_at, work_item_id);
