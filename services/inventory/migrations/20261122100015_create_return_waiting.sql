-- Units of a return that wait in pending_inspection of a warehouse until it is decided what is done with them.
CREATE TABLE return_waiting (
    claim_id   uuid    NOT NULL,
    round      integer NOT NULL,
    line       integer NOT NULL,
    attempt    integer NOT NULL,
    warehouse  text    NOT NULL REFERENCES warehouse,
    damaged    integer NOT NULL CHECK (damaged >= 0),
    wrong_item integer NOT NULL CHECK (wrong_item >= 0),
    PRIMARY KEY (claim_id, round, line, attempt, warehouse),
    FOREIGN KEY (claim_id, round, line, attempt) REFERENCES goods_return
);
