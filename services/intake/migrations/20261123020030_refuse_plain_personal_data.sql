-- What comes next seals personal data under keys that SQL does not have. Before it no version was released, so there is
-- nothing to carry over: rows in plain are refused, never dropped.
DO $$
BEGIN
    IF EXISTS (SELECT FROM contact) OR EXISTS (SELECT FROM claim_line WHERE description <> '')
        OR EXISTS (SELECT FROM evidence WHERE name <> '') OR EXISTS (SELECT FROM customer_word) THEN
        RAISE EXCEPTION 'this database has claims with personal data in plain, from before the first release'
            USING HINT = 'start with an empty database, and submit its claims anew';
    END IF;
END $$;
