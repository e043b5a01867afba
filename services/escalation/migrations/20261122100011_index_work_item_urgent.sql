-- Work lists show what is most urgent first.
CREATE INDEX work_item_urgent ON work_item (due_at, work_item_id) WHERE state = 'open';
