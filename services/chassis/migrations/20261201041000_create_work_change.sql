-- How work items changed hands, in the services that have a work list: who, to whom, why. A version of an item is there once,
-- so nobody takes what another has just taken. What is written stays.
CREATE TABLE work_change (
    work_item_id uuid        NOT NULL,
    version      bigint      NOT NULL CHECK (version > 1),
    act          text        NOT NULL CHECK (act IN ('taken', 'assigned', 'handed_over', 'given_back')),
    done_by      text        NOT NULL CHECK (length(done_by) BETWEEN 1 AND 128),
    to_whom      text        NOT NULL CHECK (length(to_whom) <= 64 AND (to_whom = '') = (act = 'given_back')),
    note         text        NOT NULL CHECK (length(note) <= 1000),
    at           timestamptz NOT NULL,
    PRIMARY KEY (work_item_id, version)
);

CREATE FUNCTION work_change_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'how a work item changed hands is history';
END $$;

CREATE TRIGGER work_change_append_only BEFORE UPDATE OR DELETE ON work_change
    FOR EACH ROW EXECUTE FUNCTION work_change_is_append_only();
