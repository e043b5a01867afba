//! Whether order lines are what was recorded of them: versions are never changed, a line is its newest one.

/// Order lines that are not their newest version.
pub static DIFFERS: &str = "\
    SELECT 'order_version' AS source, 0::bigint AS row_id, 'order line ' || o.order_no || ' ' || o.sku || ' ' || o.line_id || \
        ' is not what was recorded' AS what \
    FROM order_line o LEFT JOIN order_version v USING (order_no, sku, line_id, version) \
    WHERE (o.customer_ref, o.quantity, o.paid_minor, o.tax_minor, o.currency, o.kind, o.purchased_on, o.delivered_on, \
            o.warranty_until) \
        IS DISTINCT FROM (v.customer_ref, v.quantity, v.paid_minor, v.tax_minor, v.currency, v.kind, v.purchased_on, \
            v.delivered_on, v.warranty_until) \
    ORDER BY o.order_no, o.sku, o.line_id LIMIT 10";
