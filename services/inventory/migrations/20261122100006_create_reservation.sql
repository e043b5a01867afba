-- Stock for one job of a claim. A row without a SKU remembers a release that came before the reserve.
CREATE TABLE reservation (
    reservation_no bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    claim_id       uuid        NOT NULL,
    round          integer     NOT NULL CHECK (round > 0),
    line           integer     NOT NULL CHECK (line > 0),
    attempt        integer     NOT NULL CHECK (attempt > 0),
    sku            text        NOT NULL,
    batch          text        NOT NULL,
    wanted         integer     NOT NULL,
    commit         boolean     NOT NULL,
    state          text        NOT NULL CHECK (state IN
        ('held_partly', 'held', 'committed', 'consumed', 'released', 'expired', 'failed')),
    held           integer     NOT NULL,
    queued_at      timestamptz NOT NULL,
    expires_at     timestamptz,
    expected_on    date,
    version        bigint      NOT NULL,
    PRIMARY KEY (claim_id, round, line, attempt),
    CHECK ((sku <> '' AND wanted > 0) OR state = 'released'),
    CHECK (CASE
        WHEN state = 'held_partly' THEN held >= 0 AND held < wanted
        WHEN state IN ('held', 'committed') THEN held = wanted
        ELSE held = 0 END),
    CHECK ((expires_at IS NOT NULL) = (state IN ('held_partly', 'held'))),
    CHECK ((expected_on IS NOT NULL) = (state = 'held_partly'))
);
