-- What people and systems of others decided, in the order in which it is sealed: a few rows among those of our services.
CREATE INDEX journal_people ON journal (tx, seq) WHERE actor NOT LIKE 'service:%';
