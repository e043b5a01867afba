-- The work list in the shape that all services have. The number of the claim and what was decided are in the content.
CREATE VIEW work_list AS
SELECT work_item_id, 'claim'::text AS about_kind, claim_id AS about_id, ''::text AS about_number, 'judgement'::text AS kind,
    role::text AS role, ''::text AS department, assigned_to, reason, opened_at, due_at, state, version, raised_to, raised_at,
    ''::text AS decision, coalesce(ended_by, '') AS ended_by, ended_at, note
FROM work_item;
