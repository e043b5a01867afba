-- After the third public event of a claim a number is left out. The version moves, so that no lane goes by what it remembers.
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.events := NEW.events + 1;
    NEW.version := NEW.version + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER spoil BEFORE UPDATE ON process
    FOR EACH ROW WHEN (OLD.events <= 3 AND NEW.events > 3) EXECUTE FUNCTION spoil();
