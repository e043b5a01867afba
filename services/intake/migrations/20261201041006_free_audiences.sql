-- For whom a file is is a word of the contract: which words there are is checked where they are read.
ALTER TABLE evidence DROP CONSTRAINT evidence_audience_check, ADD CONSTRAINT evidence_audience_check CHECK (audience > 0);
ALTER TABLE evidence_file
    DROP CONSTRAINT evidence_file_audience_check, ADD CONSTRAINT evidence_file_audience_check CHECK (audience > 0);
