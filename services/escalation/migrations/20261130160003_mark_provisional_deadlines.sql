-- Whether a deadline lies where the holidays are not known yet: the next pack may move it. Of clocks from before nobody has
-- looked: they are looked at once, and most are found known.
ALTER TABLE clock ADD COLUMN provisional boolean NOT NULL DEFAULT false;
UPDATE clock SET provisional = true WHERE state IN ('running', 'paused');
