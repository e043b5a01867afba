-- Who has a hand in a claim decides nothing in it that gives money or goods. Subjects, with commas between them.
ALTER TABLE claim
    ADD COLUMN involved     text NOT NULL DEFAULT '',
    ADD COLUMN customer_ref text NOT NULL DEFAULT '',
    ADD COLUMN failed_by    text NOT NULL DEFAULT '';
