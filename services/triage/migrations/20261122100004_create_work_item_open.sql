-- The work list, most urgent first; one open item for each assessment.
CREATE INDEX work_item_open ON work_item (urgency, due_at, work_item_id) WHERE state = 'open';
