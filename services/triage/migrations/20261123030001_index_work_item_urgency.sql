-- The list of all work items, ended ones too, page by page: without it each page would sort the whole table.
CREATE INDEX work_item_urgency ON work_item (urgency, due_at, work_item_id);
