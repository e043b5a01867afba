-- Whether a delivery address came with an answer: told again, it says the same. The address itself is in `contact`.
ALTER TABLE question ADD COLUMN address_given boolean NOT NULL DEFAULT false;
