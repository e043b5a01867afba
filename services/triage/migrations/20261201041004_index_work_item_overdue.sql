-- The sweep asks which work items are overdue and not told of.
CREATE INDEX work_item_overdue ON work_item (due_at) WHERE state = 'open' AND NOT overdue;
