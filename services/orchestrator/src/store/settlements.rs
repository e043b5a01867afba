//! Settlements in the database.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes, row};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{count, instructions, int};
use crate::settlement::{Settlement, State};

/// The claim of a settlement never changes: it is read before the process is locked.
pub(super) const CLAIMS_OF: &str = "SELECT claim_id FROM settlement WHERE settlement_id = ANY($1)";

macro_rules! settlements {
    () => {
        "SELECT settlement_id, claim_id, round, line, attempt, quantity, amount_minor, currency, state, reference, \
             instructed_at, decided_at, allowed_minor, freight_kept_minor, credit_note, tax_minor, failure, confirmed_by \
         FROM settlement WHERE claim_id = ANY($1) ORDER BY settlement_id"
    };
}

pub(super) const READ: &str = settlements!();
pub(super) const LOCK: &str = concat!(settlements!(), " FOR UPDATE");

/// What was decided once is never decided again: the condition says so to the database, too.
pub(super) const WRITE: &str = "\
    INSERT INTO settlement (settlement_id, claim_id, round, line, attempt, quantity, amount_minor, currency, state, \
        reference, instructed_at, decided_at, allowed_minor, freight_kept_minor, credit_note, tax_minor, failure, confirmed_by) \
    SELECT settlement_id, claim_id, round, line, attempt, quantity, amount_minor, currency, state, reference, \
        instructed_at, decided_at, allowed_minor, freight_kept_minor, credit_note, tax_minor, failure, confirmed_by \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::text[], \
            $9::smallint[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::bigint[], $14::bigint[], $15::text[], \
            $16::bigint[], $17::text[], $18::text[]) \
        AS s(settlement_id, claim_id, round, line, attempt, quantity, amount_minor, currency, state, reference, \
            instructed_at, decided_at, allowed_minor, freight_kept_minor, credit_note, tax_minor, failure, confirmed_by) \
    ON CONFLICT (settlement_id) DO UPDATE \
    SET state = EXCLUDED.state, reference = EXCLUDED.reference, decided_at = EXCLUDED.decided_at, \
        credit_note = EXCLUDED.credit_note, failure = EXCLUDED.failure, \
        confirmed_by = EXCLUDED.confirmed_by \
    WHERE settlement.state = 1";

/// The claims that settlements are of.
pub async fn claims_of(tx: &mut Tx, settlements: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(CLAIMS_OF).bind(settlements).fetch_all(tx).await?;
    rows.iter().map(|row| Ok(row.try_get("claim_id")?)).collect()
}

pub async fn read(tx: &mut Tx, lock: Lock, claims: &[Uuid]) -> Result<BTreeMap<Uuid, Settlement>, Fault> {
    if claims.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(lock.pick(LOCK, READ)).bind(claims).fetch_all(tx).await?;
    let settlements = rows.iter().map(settlement).collect::<Result<Vec<_>, Fault>>()?;
    Ok(settlements.into_iter().map(|settlement| (settlement.settlement_id, settlement)).collect())
}

/// Writes what has changed.
pub fn write(
    writes: &mut Writes,
    settlements: &BTreeMap<Uuid, Settlement>,
    changed: &BTreeSet<Uuid>,
) -> Result<(), Fault> {
    let rows: Vec<&Settlement> = changed.iter().filter_map(|id| settlements.get(id)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    subject(writes.exactly(rows.len(), WRITE), &rows)?
        .bind(rows.iter().map(|row| row.currency.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.state as i16).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.reference.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.instructed_at.to_sqlx()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.decided_at.map(Timestamp::to_sqlx)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.allowed).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.freight_kept).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.credit_note.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tax).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.failure.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.confirmed_by.clone()).collect::<Vec<_>>());
    instructions::write(writes, &rows)
}

/// What settlements are for, and how much: the first columns of each statement that writes them.
pub(super) fn subject<'w>(writes: &'w mut Writes, rows: &[&Settlement]) -> Result<&'w mut Writes, Fault> {
    let number = |of: fn(&Settlement) -> u32| rows.iter().map(|row| int(of(row))).collect::<Result<Vec<i32>, Fault>>();
    Ok(writes
        .bind(rows.iter().map(|row| row.settlement_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.claim).collect::<Vec<_>>())
        .bind(number(|row| row.job.0)?)
        .bind(number(|row| row.job.1)?)
        .bind(number(|row| row.job.2)?)
        .bind(number(|row| row.quantity)?)
        .bind(rows.iter().map(|row| row.amount).collect::<Vec<_>>()))
}

pub(super) fn settlement(row: &PgRow) -> Result<Settlement, Fault> {
    let state: i16 = row.try_get("state")?;
    Ok(Settlement {
        settlement_id: row.try_get("settlement_id")?,
        claim: row.try_get("claim_id")?,
        job: (count(row.try_get("round")?)?, count(row.try_get("line")?)?, count(row.try_get("attempt")?)?),
        quantity: count(row.try_get("quantity")?)?,
        amount: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        state: State::of(state).ok_or_else(|| Fault::Permanent(format!("{state} is not a state of a settlement")))?,
        reference: row.try_get("reference")?,
        instructed_at: row::time(row, "instructed_at")?,
        decided_at: row::optional_time(row, "decided_at")?,
        allowed: row.try_get("allowed_minor")?,
        freight_kept: row.try_get("freight_kept_minor")?,
        credit_note: row.try_get("credit_note")?,
        tax: row.try_get("tax_minor")?,
        failure: row.try_get("failure")?,
        confirmed_by: row.try_get("confirmed_by")?,
    })
}
