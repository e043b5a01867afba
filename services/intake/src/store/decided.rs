//! Whether keys and holds are what was decided about them. Decisions are sealed in the audit chain; keys and holds change, so
//! they are not, and are compared with the decisions instead.

/// Rows that are not what was decided: whoever owns the database has brought a customer back, or taken a hold away.
pub static DIFFERS: &str = "SELECT source, row_id, what FROM ( \
         SELECT 'customer_decision' AS source, d.decision_id AS row_id, \
             'the key ' || d.about || ' was destroyed, and customer_key says something else' AS what \
         FROM customer_decision d LEFT JOIN customer_key k ON k.key_id = d.about \
         WHERE d.kind = 'ERASED' AND ( \
             (d.customer_ref, d.actor, d.reason, d.reference, d.at, true) \
                 IS DISTINCT FROM (k.customer_ref, k.erased_by, k.reason, k.reference, k.erased_at, k.wrapped IS NULL) \
             OR d.fingerprint <> k.fingerprint) \
         UNION ALL \
         SELECT 'customer_key', 0, 'the key ' || k.key_id || ' is destroyed, and nobody has decided that' \
         FROM customer_key k WHERE k.wrapped IS NULL \
             AND NOT EXISTS (SELECT FROM customer_decision d WHERE d.about = k.key_id AND d.kind = 'ERASED') \
         UNION ALL \
         SELECT 'customer_decision', d.decision_id, 'the hold ' || d.about || ' was placed, and legal_hold says something else' \
         FROM customer_decision d LEFT JOIN legal_hold h ON h.hold_id = d.about \
         WHERE d.kind = 'HELD' AND (d.customer_ref, d.actor, d.reason, d.reference, d.at) \
             IS DISTINCT FROM (h.customer_ref, h.placed_by, h.reason, h.reference, h.placed_at) \
         UNION ALL \
         SELECT 'customer_decision', d.decision_id, 'the hold ' || d.about || ' was released, and legal_hold says something else' \
         FROM customer_decision d LEFT JOIN legal_hold h ON h.hold_id = d.about \
         WHERE d.kind = 'RELEASED' AND (d.actor, d.at) IS DISTINCT FROM (h.released_by, h.released_at) \
         UNION ALL \
         SELECT 'legal_hold', 0, 'the hold ' || h.hold_id || ' is placed or released, and nobody has decided that' \
         FROM legal_hold h WHERE NOT EXISTS (SELECT FROM customer_decision d WHERE d.about = h.hold_id AND d.kind = 'HELD') \
             OR h.released_at IS NOT NULL \
             AND NOT EXISTS (SELECT FROM customer_decision d WHERE d.about = h.hold_id AND d.kind = 'RELEASED') \
     ) all_of_them ORDER BY source, row_id LIMIT 10";
