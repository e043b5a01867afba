-- What left is booked out again, as far as the table lets it, when the transaction commits.
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    place stock;
    units bigint;
BEGIN
    SELECT * INTO place FROM stock s
    WHERE (s.sku, s.batch, s.warehouse, s.zone) = (NEW.sku, NEW.batch, NEW.warehouse, NEW.zone) FOR UPDATE;
    units := least(-NEW.quantity, place.on_hand - place.reserved);
    IF units > 0 THEN
        INSERT INTO movement
            (sku, batch, warehouse, zone, number, before, quantity, balance, kind, document, actor, moved_at)
        VALUES (NEW.sku, NEW.batch, NEW.warehouse, NEW.zone, place.moves + 1, place.on_hand, -units,
            place.on_hand - units, 'consumed', 'oversell', NEW.actor, NEW.moved_at);
        UPDATE stock s SET on_hand = place.on_hand - units, moves = place.moves + 1
        WHERE (s.sku, s.batch, s.warehouse, s.zone) = (NEW.sku, NEW.batch, NEW.warehouse, NEW.zone);
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER spoil AFTER INSERT ON movement DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind = 'consumed' AND NEW.document <> 'oversell') EXECUTE FUNCTION spoil();
