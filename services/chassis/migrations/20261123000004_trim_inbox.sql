-- Answers are kept for thirty days; older ones are found by a cheap index, because rows come in the order of time.
CREATE INDEX inbox_at ON inbox USING brin (at);
