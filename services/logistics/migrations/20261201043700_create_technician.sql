-- A technician: the record is the message Technician of the contract; skills and regions are taken out for lists.
CREATE TABLE technician (
    technician_id text   PRIMARY KEY,
    skills        text[] NOT NULL,
    regions       text[] NOT NULL,
    record        bytea  NOT NULL,
    version       bigint NOT NULL CHECK (version > 0)
);
