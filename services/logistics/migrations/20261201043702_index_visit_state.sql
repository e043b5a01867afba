-- Lists of one state, oldest first.
CREATE INDEX visit_state ON visit (state, visit_id);
