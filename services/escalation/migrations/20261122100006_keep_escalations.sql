-- An escalation is history: nothing changes it afterwards.
CREATE FUNCTION escalation_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'escalations are append-only';
END $$;

CREATE TRIGGER escalation_append_only BEFORE UPDATE OR DELETE ON escalation
    FOR EACH ROW EXECUTE FUNCTION escalation_is_append_only();
