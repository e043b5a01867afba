-- Newest round in which a kind of clock is needed no more, by the word of the kind, as 'first_feedback=2,final_solution=1': a
-- new kind needs no column.
ALTER TABLE claim ADD COLUMN stopped text NOT NULL DEFAULT '';
