-- The field's terms: how far a destination was told, and how far a sender was heard, are sequences of outbox and inbox.
ALTER TABLE told RENAME TO outbox_sequence;
ALTER TABLE heard RENAME TO inbox_sequence;
