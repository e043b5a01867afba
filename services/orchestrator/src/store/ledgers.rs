//! The entitlement ledger in the database.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes};
use jiff_sqlx::ToSqlx;
use sqlx::Row;

use super::{count, int};
use crate::entitlement::{Entry, Ledger, OrderLine, Sale};

/// Opens ledgers, in the order of their keys.
pub(super) const OPEN: &str = "\
    INSERT INTO entitlement (order_no, sku, line_id, held, given, replaced, compensated_minor, goods_minor, version, sold, \
        facts_sold, facts_minor, paid_minor, currency, tax_minor, taxed_minor) \
    SELECT order_no, sku, line_id, held, given, replaced, compensated_minor, goods_minor, version, sold, facts_sold, \
        facts_minor, paid_minor, currency, tax_minor, taxed_minor \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], \
            $9::int[], $10::bigint[], $11::int[], $12::int[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[]) \
        WITH ORDINALITY AS l(order_no, sku, line_id, held, given, replaced, compensated_minor, goods_minor, version, \
            paid_minor, sold, facts_sold, facts_minor, currency, tax_minor, taxed_minor, place) \
    ORDER BY place";

macro_rules! ledgers {
    () => {
        "SELECT e.order_no, e.sku, e.line_id, e.held, e.given, e.replaced, e.compensated_minor, e.goods_minor, e.version, \
             e.paid_minor, coalesce(e.facts_sold, e.sold) AS facts_sold, coalesce(e.facts_minor, e.paid_minor) AS facts_minor, \
             e.currency, e.tax_minor, e.taxed_minor \
         FROM entitlement e JOIN UNNEST($1::text[], $2::text[], $3::text[]) AS k(order_no, sku, line_id) \
             ON e.order_no = k.order_no AND e.sku = k.sku AND e.line_id = k.line_id \
         ORDER BY e.order_no, e.sku, e.line_id"
    };
}

pub(super) const READ: &str = ledgers!();
pub(super) const LOCK: &str = concat!(ledgers!(), " FOR UPDATE OF e");

/// Only as it was read: two claims of one order line do not share what is left of it (domain rule 1).
pub(super) const WRITE: &str = "\
    UPDATE entitlement e SET held = l.held, given = l.given, replaced = l.replaced, \
        compensated_minor = l.compensated_minor, goods_minor = l.goods_minor, version = l.version, \
        paid_minor = l.paid_minor, sold = l.sold, facts_sold = l.facts_sold, facts_minor = l.facts_minor, \
        currency = l.currency, tax_minor = l.tax_minor, taxed_minor = l.taxed_minor \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], \
            $9::int[], $10::bigint[], $11::int[], $12::int[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[], \
            $17::int[], $18::int[], $19::int[], $20::bigint[], $21::bigint[], $22::int[], $23::bigint[]) \
        AS l(order_no, sku, line_id, held, given, replaced, compensated_minor, goods_minor, version, paid_minor, sold, \
            facts_sold, facts_minor, currency, tax_minor, taxed_minor, was_held, was_given, was_replaced, was_compensated_minor, was_goods_minor, \
            was_version, was_paid_minor) \
    WHERE e.order_no = l.order_no AND e.sku = l.sku AND e.line_id = l.line_id \
        AND e.held = l.was_held AND e.given = l.was_given AND e.replaced = l.was_replaced \
        AND e.compensated_minor = l.was_compensated_minor AND e.goods_minor = l.was_goods_minor \
        AND e.version = l.was_version AND e.paid_minor = l.was_paid_minor";

/// What was only remembered is still so.
pub(super) const UNCHANGED: &str = "\
    SELECT 1 FROM entitlement e \
    JOIN UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], $9::int[], \
            $10::bigint[]) \
        AS l(order_no, sku, line_id, held, given, replaced, compensated_minor, goods_minor, version, paid_minor) \
        ON e.order_no = l.order_no AND e.sku = l.sku AND e.line_id = l.line_id AND e.held = l.held AND e.given = l.given \
        AND e.replaced = l.replaced AND e.compensated_minor = l.compensated_minor AND e.goods_minor = l.goods_minor \
        AND e.version = l.version AND e.paid_minor = l.paid_minor";

pub(super) const ENTRIES: &str = "\
    INSERT INTO entitlement_entry (order_no, sku, line_id, claim_id, round, line, attempt, kind, units, amount_minor, \
        version, at) \
    SELECT order_no, sku, line_id, claim_id, round, line, attempt, kind, units, amount_minor, version, at \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::int[], $7::int[], $8::text[], $9::int[], \
            $10::bigint[], $11::int[], $12::timestamptz[]) \
        WITH ORDINALITY AS n(order_no, sku, line_id, claim_id, round, line, attempt, kind, units, amount_minor, version, \
            at, place) \
    ORDER BY place";

pub async fn read(tx: &mut Tx, lock: Lock, lines: &BTreeSet<OrderLine>) -> Result<BTreeMap<OrderLine, Ledger>, Fault> {
    let mut ledgers = BTreeMap::new();
    if lines.is_empty() {
        return Ok(ledgers);
    }
    let [order_nos, skus, line_ids] = keys(lines);
    let query = sqlx::query(lock.pick(LOCK, READ)).bind(order_nos).bind(skus).bind(line_ids);
    for row in query.fetch_all(tx).await? {
        let (order_no, sku, line_id) = (row.try_get("order_no")?, row.try_get("sku")?, row.try_get("line_id")?);
        let line = OrderLine { order_no, sku, line_id };
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
        let insert = writes.exactly(new.len(), OPEN);
        key(insert, &new);
        let ledgers: Vec<&Ledger> = new.iter().map(|(_, ledger)| *ledger).collect();
        amounts(insert, &ledgers)?;
        facts(insert, &ledgers)?;
    }
    if !changed.is_empty() {
        let update = writes.exactly(changed.len(), WRITE);
        key(update, &changed);
        let ledgers: Vec<&Ledger> = changed.iter().map(|(_, ledger)| *ledger).collect();
        amounts(update, &ledgers)?;
        facts(update, &ledgers)?;
        let was: Vec<&Ledger> = changed.iter().filter_map(|(line, _)| before.get(*line)).collect();
        amounts(update, &was)?;
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
    if rows.is_empty() {
        return Ok(());
    }
    let finds = writes.finds(rows.len(), UNCHANGED);
    key(finds, &rows);
    amounts(finds, &rows.iter().map(|(_, ledger)| *ledger).collect::<Vec<_>>())
}

fn key(writes: &mut Writes, rows: &[(&OrderLine, &Ledger)]) {
    let [order_nos, skus, line_ids] = keys(rows.iter().map(|(line, _)| *line));
    writes.bind(order_nos).bind(skus).bind(line_ids);
}

/// What moves, and what a ledger is known by to be as it was read.
fn amounts(writes: &mut Writes, ledgers: &[&Ledger]) -> Result<(), Fault> {
    let units =
        |of: fn(&Ledger) -> u32| ledgers.iter().map(|ledger| int(of(ledger))).collect::<Result<Vec<i32>, Fault>>();
    let money = |of: fn(&Ledger) -> i64| ledgers.iter().map(|ledger| of(ledger)).collect::<Vec<i64>>();
    writes
        .bind(units(|ledger| ledger.held)?)
        .bind(units(|ledger| ledger.given)?)
        .bind(units(|ledger| ledger.replaced)?)
        .bind(money(|ledger| ledger.compensated))
        .bind(money(|ledger| ledger.goods))
        .bind(units(|ledger| ledger.sale.version)?)
        .bind(money(|ledger| ledger.paid));
    Ok(())
}

/// What the ledger goes by.
fn facts(writes: &mut Writes, ledgers: &[&Ledger]) -> Result<(), Fault> {
    writes
        .bind(ledgers.iter().map(|ledger| int(ledger.sold())).collect::<Result<Vec<i32>, Fault>>()?)
        .bind(ledgers.iter().map(|ledger| int(ledger.sale.sold)).collect::<Result<Vec<i32>, Fault>>()?)
        .bind(ledgers.iter().map(|ledger| ledger.sale.total).collect::<Vec<i64>>())
        .bind(ledgers.iter().map(|ledger| ledger.sale.currency.clone()).collect::<Vec<String>>())
        .bind(ledgers.iter().map(|ledger| ledger.sale.tax).collect::<Vec<Option<i64>>>())
        .bind(ledgers.iter().map(|ledger| ledger.taxed).collect::<Vec<i64>>());
    Ok(())
}

fn write_entries(writes: &mut Writes, entries: &[Entry]) -> Result<(), Fault> {
    let [order_nos, skus, line_ids] = keys(entries.iter().map(|entry| &entry.line));
    let number =
        |of: fn(&Entry) -> u32| entries.iter().map(|entry| int(of(entry))).collect::<Result<Vec<i32>, Fault>>();
    writes
        .add(ENTRIES)
        .bind(order_nos)
        .bind(skus)
        .bind(line_ids)
        .bind(entries.iter().map(|entry| entry.claim).collect::<Vec<_>>())
        .bind(number(|entry| entry.job.0)?)
        .bind(number(|entry| entry.job.1)?)
        .bind(number(|entry| entry.job.2)?)
        .bind(entries.iter().map(|entry| entry.event.name()).collect::<Vec<&str>>())
        .bind(number(|entry| entry.event.amounts().0)?)
        .bind(entries.iter().map(|entry| entry.event.amounts().1).collect::<Vec<i64>>())
        .bind(number(|entry| entry.version)?)
        .bind(entries.iter().map(|entry| entry.at.to_sqlx()).collect::<Vec<_>>());
    Ok(())
}

pub(super) fn ledger(row: &sqlx::postgres::PgRow) -> Result<Ledger, Fault> {
    Ok(Ledger {
        sale: Sale {
            sold: count(row.try_get("facts_sold")?)?,
            total: row.try_get("facts_minor")?,
            currency: row.try_get("currency")?,
            tax: row.try_get("tax_minor")?,
            version: count(row.try_get("version")?)?,
        },
        paid: row.try_get("paid_minor")?,
        held: count(row.try_get("held")?)?,
        given: count(row.try_get("given")?)?,
        replaced: count(row.try_get("replaced")?)?,
        compensated: row.try_get("compensated_minor")?,
        goods: row.try_get("goods_minor")?,
        taxed: row.try_get("taxed_minor")?,
    })
}

/// Order numbers, SKUs and line ids.
fn keys<'a>(lines: impl IntoIterator<Item = &'a OrderLine>) -> [Vec<String>; 3] {
    let mut keys = [const { Vec::new() }; 3];
    for OrderLine { order_no, sku, line_id } in lines {
        for (list, word) in keys.iter_mut().zip([order_no, sku, line_id]) {
            list.push(word.clone());
        }
    }
    keys
}
