-- Goods expected back for one job of a claim. A row without a SKU remembers a cancel that came before the announcement.
CREATE TABLE goods_return (
    return_no  bigint  GENERATED ALWAYS AS IDENTITY UNIQUE,
    claim_id   uuid    NOT NULL,
    round      integer NOT NULL CHECK (round > 0),
    line       integer NOT NULL CHECK (line > 0),
    attempt    integer NOT NULL CHECK (attempt > 0),
    sku        text    NOT NULL,
    batch      text    NOT NULL,
    announced  integer NOT NULL,
    accepted   integer NOT NULL CHECK (accepted >= 0),
    damaged    integer NOT NULL CHECK (damaged >= 0),
    wrong_item integer NOT NULL CHECK (wrong_item >= 0),
    missing    integer NOT NULL CHECK (missing >= 0),
    excess     integer NOT NULL CHECK (excess >= 0),
    state      text    NOT NULL CHECK (state IN
        ('expected', 'partly_received', 'fully_received', 'closed_short', 'cancelled')),
    version    bigint  NOT NULL,
    PRIMARY KEY (claim_id, round, line, attempt),
    CHECK ((sku <> '' AND announced > 0) OR state = 'cancelled'),
    CHECK (state <> 'expected' OR accepted + damaged + wrong_item = 0),
    CHECK (state <> 'partly_received' OR accepted + damaged + wrong_item < announced),
    CHECK (state NOT IN ('fully_received', 'closed_short')
        OR announced + excess = accepted + damaged + wrong_item + missing),
    CHECK ((missing > 0) = (state = 'closed_short')),
    CHECK (missing = 0 OR excess = 0)
);
