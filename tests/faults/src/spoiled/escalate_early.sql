-- Whenever a clock is started the time that counts jumps two hours ahead.
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    UPDATE time_mark SET at = now() + interval '2 hours';
    RETURN NULL;
END $$;

CREATE TRIGGER spoil AFTER INSERT ON clock FOR EACH STATEMENT EXECUTE FUNCTION spoil();
