-- The public events of a claim are in the journal, whole and for ever: they are read there, and not written twice.
DROP TABLE timeline;
-- Nothing is searched inside of these but two words of a report, so they are kept as they are written.
ALTER TABLE process ALTER COLUMN claim TYPE json, ALTER COLUMN process TYPE json;
