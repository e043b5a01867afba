//! Whether stock is what its movements say: movements are never changed, stock is only ever their sum.

/// Places whose stock is not the sum of their movements.
pub static DIFFERS: &str = "\
    SELECT 'movement' AS source, 0::bigint AS row_id, 'stock of ' || s.sku || ' ' || s.batch || ' in ' || s.warehouse || ' ' || \
        s.zone || ' is not the sum of its movements' AS what \
    FROM stock s LEFT JOIN (SELECT sku, batch, warehouse, zone, sum(quantity) AS on_hand, max(number) AS moves \
        FROM movement GROUP BY sku, batch, warehouse, zone) m USING (sku, batch, warehouse, zone) \
    WHERE (s.on_hand, s.moves) IS DISTINCT FROM (m.on_hand, m.moves) \
    ORDER BY s.sku, s.batch, s.warehouse, s.zone LIMIT 10";
