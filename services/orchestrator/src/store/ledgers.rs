//! The entitlement ledger in the database.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes};
use jiff_sqlx::ToSqlx;
use sqlx::Row;

use super::{count, int};
use crate::entitlement::{Entry, Ledger, OrderLine, Sale};

/// Opens ledgers, in the order of their keys.
pub(super) const OPEN: &str = "\
    INSERT INTO entitlement (order_no, sku, sold, unit_price_minor, paid_minor, currency, held, given, compensated_minor) \
    SELECT order_no, sku, sold, unit_price_minor, paid_minor, currency, held, given, compensated_minor \
    FROM UNNEST($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[], \
            $9::text[]) \
        WITH ORDINALITY AS l(order_no, sku, held, given, compensated_minor, sold, unit_price_minor, paid_minor, currency, \
            place) \
    ORDER BY place";

macro_rules! ledgers {
    () => {
        "SELECT e.order_no, e.sku, e.sold, e.unit_price_minor, e.paid_minor, e.currency, e.held, e.given, e.compensated_minor \
         FROM entitlement e JOIN UNNEST($1::text[], $2::text[]) AS k(order_no, sku) \
             ON e.order_no = k.order_no AND e.sku = k.sku \
         ORDER BY e.order_no, e.sku"
    };
}

pub(super) const READ: &str = ledgers!();
pub(super) const LOCK: &str = concat!(ledgers!(), " FOR UPDATE OF e");

/// Only as it was read: two claims of one order line do not share what is left of it (domain rule 1).
pub(super) const WRITE: &str = "\
    UPDATE entitlement e SET held = l.held, given = l.given, compensated_minor = l.compensated_minor \
    FROM UNNEST($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[], $7::int[], $8::bigint[]) \
        AS l(order_no, sku, held, given, compensated_minor, was_held, was_given, was_compensated_minor) \
    WHERE e.order_no = l.order_no AND e.sku = l.sku \
        AND e.held = l.was_held AND e.given = l.was_given AND e.compensated_minor = l.was_compensated_minor";

/// What was only remembered is still so.
pub(super) const UNCHANGED: &str = "\
    SELECT 1 FROM entitlement e \
    JOIN UNNEST($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[]) AS l(order_no, sku, held, given, compensated_minor) \
        ON e.order_no = l.order_no AND e.sku = l.sku AND e.held = l.held AND e.given = l.given \
        AND e.compensated_minor = l.compensated_minor";

pub(super) const ENTRIES: &str = "\
    INSERT INTO entitlement_entry (order_no, sku, claim_id, round, line, attempt, kind, units, amount_minor, at) \
    SELECT order_no, sku, claim_id, round, line, attempt, kind, units, amount_minor, at \
    FROM UNNEST($1::text[], $2::text[], $3::uuid[], $4::int[], $5::int[], $6::int[], $7::text[], $8::int[], \
            $9::bigint[], $10::timestamptz[]) \
        WITH ORDINALITY AS n(order_no, sku, claim_id, round, line, attempt, kind, units, amount_minor, at, place) \
    ORDER BY place";

/// Reads ledgers.
pub async fn read(tx: &mut Tx, lock: Lock, lines: &BTreeSet<OrderLine>) -> Result<BTreeMap<OrderLine, Ledger>, Fault> {
    let mut ledgers = BTreeMap::new();
    if lines.is_empty() {
        return Ok(ledgers);
    }
    let (order_nos, skus) = keys(lines);
    for row in sqlx::query(lock.pick(LOCK, READ)).bind(order_nos).bind(skus).fetch_all(tx).await? {
        let line = OrderLine { order_no: row.try_get("order_no")?, sku: row.try_get("sku")? };
        ledgers.insert(line, ledger(&row)?);
    }
    Ok(ledgers)
}

/// Writes what has changed since it was read, and why; what was not there is opened.
pub fn write(
    writes: &mut Writes,
    before: &BTreeMap<OrderLine, Ledger>,
    ledgers: &BTreeMap<OrderLine, Ledger>,
    entries: &[Entry],
) -> Result<(), Fault> {
    let differs = |(line, ledger): &(&OrderLine, &Ledger)| before.get(*line) != Some(*ledger);
    let (changed, new): (Vec<_>, Vec<_>) =
        ledgers.iter().filter(differs).partition(|(line, _)| before.contains_key(*line));
    if !new.is_empty() {
        amounts(writes.exactly(new.len(), OPEN), &new)?;
        writes
            .bind(new.iter().map(|(_, ledger)| int(ledger.sale.sold)).collect::<Result<Vec<i32>, Fault>>()?)
            .bind(new.iter().map(|(_, ledger)| ledger.sale.unit_price).collect::<Vec<i64>>())
            .bind(new.iter().map(|(_, ledger)| ledger.paid).collect::<Vec<i64>>())
            .bind(new.iter().map(|(_, ledger)| ledger.sale.currency.clone()).collect::<Vec<String>>());
    }
    if !changed.is_empty() {
        amounts(writes.exactly(changed.len(), WRITE), &changed)?;
        let was: Vec<&Ledger> = changed.iter().filter_map(|(line, _)| before.get(*line)).collect();
        writes
            .bind(was.iter().map(|ledger| int(ledger.held)).collect::<Result<Vec<i32>, Fault>>()?)
            .bind(was.iter().map(|ledger| int(ledger.given)).collect::<Result<Vec<i32>, Fault>>()?)
            .bind(was.iter().map(|ledger| ledger.compensated).collect::<Vec<i64>>());
    }
    if entries.is_empty() { Ok(()) } else { write_entries(writes, entries) }
}

/// What was decided on rests on ledgers that have not changed. Those that have are looked at where they are written.
pub fn unchanged(
    writes: &mut Writes,
    before: &BTreeMap<OrderLine, Ledger>,
    ledgers: &BTreeMap<OrderLine, Ledger>,
    asked: &BTreeSet<OrderLine>,
) -> Result<(), Fault> {
    let same = |(line, ledger): &(&OrderLine, &Ledger)| ledgers.get(*line) == Some(*ledger);
    let rows: Vec<_> = asked.iter().filter_map(|line| before.get_key_value(line)).filter(same).collect();
    if rows.is_empty() { Ok(()) } else { amounts(writes.finds(rows.len(), UNCHANGED), &rows) }
}

/// Keys, and what changes of a ledger.
fn amounts(writes: &mut Writes, rows: &[(&OrderLine, &Ledger)]) -> Result<(), Fault> {
    let (order_nos, skus) = keys(rows.iter().map(|(line, _)| *line));
    writes
        .bind(order_nos)
        .bind(skus)
        .bind(rows.iter().map(|(_, ledger)| int(ledger.held)).collect::<Result<Vec<i32>, Fault>>()?)
        .bind(rows.iter().map(|(_, ledger)| int(ledger.given)).collect::<Result<Vec<i32>, Fault>>()?)
        .bind(rows.iter().map(|(_, ledger)| ledger.compensated).collect::<Vec<i64>>());
    Ok(())
}

fn write_entries(writes: &mut Writes, entries: &[Entry]) -> Result<(), Fault> {
    let (order_nos, skus) = keys(entries.iter().map(|entry| &entry.line));
    let number =
        |of: fn(&Entry) -> u32| entries.iter().map(|entry| int(of(entry))).collect::<Result<Vec<i32>, Fault>>();
    writes
        .add(ENTRIES)
        .bind(order_nos)
        .bind(skus)
        .bind(entries.iter().map(|entry| entry.claim).collect::<Vec<_>>())
        .bind(number(|entry| entry.job.0)?)
        .bind(number(|entry| entry.job.1)?)
        .bind(number(|entry| entry.job.2)?)
        .bind(entries.iter().map(|entry| entry.event.name()).collect::<Vec<&str>>())
        .bind(number(|entry| entry.event.amounts().0)?)
        .bind(entries.iter().map(|entry| entry.event.amounts().1).collect::<Vec<i64>>())
        .bind(entries.iter().map(|entry| entry.at.to_sqlx()).collect::<Vec<_>>());
    Ok(())
}

/// The ledger in a row.
pub(super) fn ledger(row: &sqlx::postgres::PgRow) -> Result<Ledger, Fault> {
    Ok(Ledger {
        sale: Sale {
            sold: count(row.try_get("sold")?)?,
            unit_price: row.try_get("unit_price_minor")?,
            currency: row.try_get("currency")?,
        },
        paid: row.try_get("paid_minor")?,
        held: count(row.try_get("held")?)?,
        given: count(row.try_get("given")?)?,
        compensated: row.try_get("compensated_minor")?,
    })
}

fn keys<'a>(lines: impl IntoIterator<Item = &'a OrderLine>) -> (Vec<String>, Vec<String>) {
    lines.into_iter().map(|line| (line.order_no.clone(), line.sku.clone())).unzip()
}
