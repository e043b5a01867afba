-- A parked message keeps its place in what its sender told; without one it has none.
ALTER TABLE parked ADD COLUMN sender text, ADD COLUMN number integer CHECK (number > 0);
