-- Where goods can be. The custodian of the valuables zone is a staff reference (S4-38).
CREATE TABLE warehouse (
    warehouse text PRIMARY KEY CHECK (length(warehouse) BETWEEN 1 AND 32),
    country   char(2) NOT NULL,
    custodian text    NOT NULL CHECK (length(custodian) <= 64)
);
