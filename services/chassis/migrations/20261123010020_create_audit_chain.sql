-- A hash chain over what people decided and which personal data they read: each link has the hash of one row of another
-- table and the hash of the link before it. Signed checkpoints of it are kept elsewhere, so that whoever owns this database
-- cannot alter the past unnoticed. Nothing changes its rows.
CREATE TABLE audit_chain (
    number     bigint      PRIMARY KEY CHECK (number > 0),
    source     text        NOT NULL CHECK (length(source) BETWEEN 1 AND 40),
    -- Where the row is: the id of the transaction that wrote it, and its number in its table.
    tx         bigint      NOT NULL,
    row_id     bigint      NOT NULL,
    row_hash   bytea       NOT NULL CHECK (length(row_hash) = 32),
    chain_hash bytea       NOT NULL CHECK (length(chain_hash) = 32),
    sealed_at  timestamptz NOT NULL
);

-- No row is sealed twice. It also says how far a source is sealed: rows are sealed in this order.
CREATE UNIQUE INDEX audit_chain_row ON audit_chain (source, tx, row_id);

CREATE FUNCTION audit_chain_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit chain is append-only';
END $$;

CREATE TRIGGER audit_chain_append_only BEFORE UPDATE OR DELETE ON audit_chain
    FOR EACH ROW EXECUTE FUNCTION audit_chain_is_append_only();
CREATE TRIGGER audit_chain_stays BEFORE TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_is_append_only();
