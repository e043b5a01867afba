-- What was asked for is never another plan afterwards.
CREATE FUNCTION snapshot_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the snapshot of an approval is kept';
END $$;

CREATE TRIGGER approval_snapshot_is_kept BEFORE UPDATE ON approval
    FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan OR OLD.plan_sha256 IS DISTINCT FROM NEW.plan_sha256)
    EXECUTE FUNCTION snapshot_is_kept();
