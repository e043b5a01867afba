-- The work list in the shape that all services have.
CREATE VIEW work_list AS
SELECT i.work_item_id, 'claim'::text AS about_kind, i.claim_id AS about_id, c.claim_number AS about_number, i.kind, i.role,
    ''::text AS department, i.assigned_to, i.reason, i.opened_at, i.due_at, i.state, i.version, i.raised_to, i.raised_at,
    coalesce(i.ruling, '') AS decision, coalesce(i.decided_by, '') AS ended_by, coalesce(i.decided_at, i.closed_at) AS ended_at,
    coalesce(i.note, '') AS note
FROM work_item i JOIN claim c ON c.claim_id = i.claim_id;
