-- A receipt is a document: nothing changes it afterwards.
CREATE FUNCTION return_receipt_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'receipts are append-only';
END $$;

CREATE TRIGGER return_receipt_append_only BEFORE UPDATE OR DELETE ON return_receipt
    FOR EACH ROW EXECUTE FUNCTION return_receipt_is_append_only();
