-- Kinds of clocks and of work, roles, legs and severities are words of the contract and the pack; what they are is checked where
-- they are read. A row is about a task, a step or a clock by what is set in it, whatever it is called.
ALTER TABLE clock DROP CONSTRAINT clock_kind_check, DROP CONSTRAINT clock_severity_check;
ALTER TABLE escalation DROP CONSTRAINT escalation_role_check;
ALTER TABLE work_item
    DROP CONSTRAINT work_item_kind_check,
    DROP CONSTRAINT work_item_role_check,
    DROP CONSTRAINT work_item_leg_check,
    DROP CONSTRAINT work_item_check2,
    ADD CONSTRAINT work_item_about_check CHECK (num_nonnulls(leg, clock, plan_number) = 1 AND CASE
        WHEN plan_number IS NOT NULL THEN num_nulls(step, steps) = 0 AND num_nonnulls(round, line, attempt) = 0
        WHEN clock IS NOT NULL THEN round IS NOT NULL AND num_nonnulls(line, attempt, step, steps) = 0
        ELSE num_nulls(round, line, attempt) = 0 AND num_nonnulls(step, steps) = 0 END);
