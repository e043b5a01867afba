-- Reads of one person within an hour are counted before each.
CREATE INDEX contact_access_reader ON contact_access (actor, at);
CREATE INDEX evidence_access_reader ON evidence_access (actor, at);
