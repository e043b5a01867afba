//! What finance was told to pay, sealed; and whether settlements and ledgers are still what their history says.

use chassis::audit::Source;
use chassis::{Fault, Writes, audit_source, audit_text, audit_time};
use jiff_sqlx::ToSqlx;

use super::settlements;
use crate::settlement::Settlement;

/// What is there already stays as it is.
pub(super) const WRITE: &str = "\
    INSERT INTO instruction (settlement_id, claim_id, round, line, attempt, quantity, amount_minor, freight_kept_minor, \
        currency, at) \
    SELECT settlement_id, claim_id, round, line, attempt, quantity, amount_minor, freight_kept_minor, currency, at \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], \
            $9::text[], $10::timestamptz[]) \
        AS i(settlement_id, claim_id, round, line, attempt, quantity, amount_minor, freight_kept_minor, currency, at) \
    ORDER BY settlement_id \
    ON CONFLICT (settlement_id) DO NOTHING";

/// Keeps what settlements are about, as they are made.
pub(super) fn write(writes: &mut Writes, rows: &[&Settlement]) -> Result<(), Fault> {
    // They are told in the batch that makes them, whatever else becomes of them in it.
    let is_new = |row: &&Settlement| row.decided_at.is_none_or(|at| at == row.instructed_at);
    let rows: Vec<&Settlement> = rows.iter().copied().filter(is_new).collect();
    if rows.is_empty() {
        return Ok(());
    }
    settlements::subject(writes.add(WRITE), &rows)?
        .bind(rows.iter().map(|row| row.freight_kept).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.instructed_at.to_sqlx()).collect::<Vec<_>>());
    Ok(())
}

/// Instructions are sealed: whoever changes one is found.
pub static INSTRUCTION: Source = audit_source!("instruction", "instruction", "number", "true", {
    "number": audit_text!("number"),
    "settlement_id": audit_text!("settlement_id"),
    "claim_id": audit_text!("claim_id"),
    "job": audit_text!("round || '.' || line || '.' || attempt"),
    "quantity": audit_text!("quantity"),
    "amount_minor": audit_text!("amount_minor"),
    "freight_kept_minor": audit_text!("freight_kept_minor"),
    "currency": audit_text!("currency"),
    "at": audit_time!("at"),
});

/// Settlements that are not what finance was told, and ledgers that are not the sum of their movements.
pub static DIFFERS: &str = "SELECT source, row_id, what FROM ( \
         (SELECT 'instruction' AS source, coalesce(i.number, 0) AS row_id, \
             'settlement ' || s.settlement_id || ' is not what finance was told' AS what \
         FROM settlement s LEFT JOIN instruction i USING (settlement_id) \
         WHERE (s.claim_id, s.round, s.line, s.attempt, s.quantity, s.amount_minor, s.freight_kept_minor, s.currency) \
             IS DISTINCT FROM \
             (i.claim_id, i.round, i.line, i.attempt, i.quantity, i.amount_minor, i.freight_kept_minor, i.currency) \
         ORDER BY s.settlement_id LIMIT 10) \
         UNION ALL \
         (SELECT 'entitlement_entry', 0::bigint, 'the ledger of ' || e.order_no || ' ' || e.sku || ' ' || e.line_id || \
             ' is not the sum of its movements' \
         FROM entitlement e LEFT JOIN (SELECT order_no, sku, line_id, \
             sum(CASE kind WHEN 'granted' THEN units WHEN 'granted_again' THEN units WHEN 'given_back' THEN -units \
                 WHEN 'given' THEN -units WHEN 'given_goods' THEN -units ELSE 0 END) AS held, \
             sum(CASE kind WHEN 'given' THEN units WHEN 'given_goods' THEN units WHEN 'granted_again' THEN -units \
                 WHEN 'taken_back' THEN -units WHEN 'taken_back_goods' THEN -units ELSE 0 END) AS given, \
             sum(CASE kind WHEN 'given' THEN amount_minor WHEN 'given_goods' THEN amount_minor \
                 WHEN 'granted_again' THEN -amount_minor WHEN 'taken_back' THEN -amount_minor \
                 WHEN 'taken_back_goods' THEN -amount_minor ELSE 0 END) AS compensated \
             FROM entitlement_entry GROUP BY order_no, sku, line_id) m USING (order_no, sku, line_id) \
         WHERE (e.held, e.given, e.compensated_minor) \
             IS DISTINCT FROM (coalesce(m.held, 0), coalesce(m.given, 0), coalesce(m.compensated, 0)) \
         ORDER BY e.order_no, e.sku, e.line_id LIMIT 10) \
     ) all_of_them ORDER BY source, row_id LIMIT 10";
