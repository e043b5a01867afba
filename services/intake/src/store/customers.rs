//! What becomes of customers: their keys without the keys themselves, and legal holds.

use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use jiff_sqlx::{Timestamp, ToSqlx};
use proto::intake::{ErasureReason, HoldReason};
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::{Customer, Erased, Hold, Key};
use crate::handle::CustomerEntry;

macro_rules! keys {
    () => {
        "SELECT key_id, customer_ref, fingerprint, made_at, erased_at, erased_by, reason, reference FROM customer_key \
         WHERE customer_ref = ANY($1) ORDER BY customer_ref, made_at, key_id"
    };
}

macro_rules! holds {
    () => {
        "SELECT hold_id, customer_ref, reason, reference, placed_at, placed_by, released_at, released_by FROM legal_hold \
         WHERE customer_ref = ANY($1) ORDER BY customer_ref, placed_at, hold_id"
    };
}

pub(super) const KEYS: &str = keys!();
/// First of all: who seals for a customer waits, or is waited for.
pub(super) const LOCK_KEYS: &str = concat!(keys!(), " FOR UPDATE");
pub(super) const HOLDS: &str = holds!();

pub(super) const OPEN: &str = "SELECT customer_ref, count(*) AS open, \
         (array_agg(claim_number ORDER BY claim_id))[1:20] AS numbers \
     FROM claim WHERE customer_ref = ANY($1) AND state NOT IN (10, 11, 12, 13) GROUP BY customer_ref";

/// Customers all of whose claims have ended so many days ago, and whom nobody holds.
pub(super) const OVER: &str = "SELECT DISTINCT k.customer_ref FROM customer_key k \
     WHERE k.wrapped IS NOT NULL AND k.made_at < now() + $1::text::interval - make_interval(days => $2) \
         AND NOT EXISTS (SELECT FROM claim c WHERE c.customer_ref = k.customer_ref \
             AND (c.ended_at IS NULL OR c.ended_at >= now() + $1::text::interval - make_interval(days => $2))) \
         AND NOT EXISTS (SELECT FROM legal_hold h WHERE h.customer_ref = k.customer_ref AND h.released_at IS NULL) \
     LIMIT 100";

pub(super) const DESTROY: &str = "UPDATE customer_key \
     SET wrapped = NULL, erased_at = $2, erased_by = $3, reason = $4, reference = $5 \
     WHERE key_id = $1 AND wrapped IS NOT NULL";

pub(super) const UPSERT_HOLD: &str = "INSERT INTO legal_hold \
         (hold_id, customer_ref, reason, reference, placed_at, placed_by, released_at, released_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (hold_id) DO UPDATE SET released_at = excluded.released_at, released_by = excluded.released_by";

pub(super) const CUSTOMER_OF_HOLD: &str = "SELECT customer_ref FROM legal_hold WHERE hold_id = $1";

pub(super) const COUNTS: &str = "SELECT \
         (SELECT count(*) FROM claim WHERE customer_ref = $1) AS claims, \
         (SELECT count(*) FROM claim JOIN contact USING (claim_id) JOIN customer_key k USING (key_id) \
             WHERE claim.customer_ref = $1 AND k.wrapped IS NULL) AS unreadable, \
         (SELECT count(*) FROM claim JOIN evidence_file f USING (claim_id) JOIN contact USING (claim_id) \
             JOIN customer_key k USING (key_id) \
             WHERE claim.customer_ref = $1 AND k.wrapped IS NULL \
             AND NOT EXISTS (SELECT FROM evidence_forgotten g WHERE g.evidence_id = f.evidence_id)) AS files_left, \
         (SELECT count(*) FROM claim JOIN contact_access USING (claim_id) WHERE claim.customer_ref = $1) AS accesses";

#[derive(sqlx::FromRow)]
struct KeyRow {
    key_id: Uuid,
    customer_ref: String,
    fingerprint: Vec<u8>,
    made_at: Timestamp,
    erased_at: Option<Timestamp>,
    erased_by: Option<String>,
    reason: Option<i16>,
    reference: Option<String>,
}

#[derive(sqlx::FromRow)]
struct HoldRow {
    hold_id: Uuid,
    customer_ref: String,
    reason: i16,
    reference: String,
    placed_at: Timestamp,
    placed_by: String,
    released_at: Option<Timestamp>,
    released_by: Option<String>,
}

#[derive(sqlx::FromRow)]
struct OpenRow {
    customer_ref: String,
    open: i64,
    numbers: Vec<String>,
}

/// Counts of what is there of a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    pub claims: i64,
    /// Claims whose key is destroyed.
    pub unreadable: i64,
    /// Files of those that are still in the store.
    pub files_left: i64,
    /// Reads of personal data on record.
    pub accesses: i64,
}

/// Customers, locked.
pub(super) async fn lock(tx: &mut Tx, refs: &[String]) -> Result<BTreeMap<String, Customer>, Fault> {
    let keys: Vec<KeyRow> = sqlx::query_as(LOCK_KEYS).bind(refs).fetch_all(&mut *tx).await?;
    let holds: Vec<HoldRow> = sqlx::query_as(HOLDS).bind(refs).fetch_all(&mut *tx).await?;
    let open: Vec<OpenRow> = sqlx::query_as(OPEN).bind(refs).fetch_all(tx).await?;
    Ok(gather(refs, keys, holds, open))
}

/// A customer, to be looked at.
pub async fn customer(pool: &PgPool, customer_ref: &str) -> Result<(Customer, Counts), Fault> {
    let refs = [customer_ref.to_owned()];
    let keys: Vec<KeyRow> = sqlx::query_as(KEYS).bind(&refs).fetch_all(pool).await?;
    let holds: Vec<HoldRow> = sqlx::query_as(HOLDS).bind(&refs).fetch_all(pool).await?;
    let open: Vec<OpenRow> = sqlx::query_as(OPEN).bind(&refs).fetch_all(pool).await?;
    let counts: Counts = sqlx::query_as(COUNTS).bind(customer_ref).fetch_one(pool).await?;
    Ok((gather(&refs, keys, holds, open).remove(customer_ref).unwrap_or_default(), counts))
}

/// Some customers whose time has passed: all of their claims ended so many days ago. `offset`: how far the clock is ahead of
/// the database's.
pub async fn customers_over(pool: &PgPool, offset: jiff::SignedDuration, days: u32) -> Result<Vec<String>, Fault> {
    let offset = format!("{} seconds", offset.as_secs());
    Ok(sqlx::query_scalar(OVER).bind(offset).bind(days.cast_signed()).fetch_all(pool).await?)
}

/// Whose hold it is.
pub async fn customer_of_hold(pool: &PgPool, hold: Uuid) -> Result<Option<String>, Fault> {
    Ok(sqlx::query_scalar(CUSTOMER_OF_HOLD).bind(hold).fetch_optional(pool).await?)
}

fn gather(refs: &[String], keys: Vec<KeyRow>, holds: Vec<HoldRow>, open: Vec<OpenRow>) -> BTreeMap<String, Customer> {
    let empty = |name: &String| (name.clone(), Customer { customer_ref: name.clone(), ..Customer::default() });
    let mut customers: BTreeMap<String, Customer> = refs.iter().map(empty).collect();
    for row in keys {
        if let Some(customer) = customers.get_mut(&row.customer_ref) {
            customer.keys.push(row.key());
        }
    }
    for row in holds {
        if let Some(customer) = customers.get_mut(&row.customer_ref) {
            customer.holds.push(row.hold());
        }
    }
    for row in open {
        if let Some(customer) = customers.get_mut(&row.customer_ref) {
            (customer.open, customer.open_numbers) = (usize::try_from(row.open).unwrap_or(usize::MAX), row.numbers);
        }
    }
    customers
}

/// Writes what has changed: erasures and holds are rare, a part each.
pub(super) fn save(writes: &mut Writes, customers: &BTreeMap<String, CustomerEntry>) {
    for (customer_ref, CustomerEntry { before, now }) in customers {
        let destroyed = now.keys.iter().zip(&before.keys).filter(|(now, before)| now != before);
        for (key, erased) in destroyed.filter_map(|(key, _)| Some((key, key.erased.as_ref()?))) {
            // One that somebody else has destroyed meanwhile is looked at again.
            writes.exactly(1, DESTROY).bind(key.id).bind(erased.at.to_sqlx()).bind(&erased.by);
            writes.bind(erased.reason as i16).bind(&erased.reference);
        }
        for hold in now.holds.iter().filter(|hold| !before.holds.contains(hold)) {
            let (at, by) = hold.released.clone().unzip();
            writes.add(UPSERT_HOLD).bind(hold.id).bind(customer_ref).bind(hold.reason as i16).bind(&hold.reference);
            writes.bind(hold.placed_at.to_sqlx()).bind(&hold.placed_by).bind(at.map(ToSqlx::to_sqlx)).bind(by);
        }
    }
}

impl KeyRow {
    fn key(self) -> Key {
        let reason = ErasureReason::try_from(i32::from(self.reason.unwrap_or_default())).unwrap_or_default();
        let erased = self.erased_at.map(|at| Erased {
            at: at.to_jiff(),
            by: self.erased_by.unwrap_or_default(),
            reason,
            reference: self.reference.unwrap_or_default(),
        });
        Key { id: self.key_id, fingerprint: self.fingerprint, made_at: self.made_at.to_jiff(), erased }
    }
}

impl HoldRow {
    fn hold(self) -> Hold {
        Hold {
            id: self.hold_id,
            reason: HoldReason::try_from(i32::from(self.reason)).unwrap_or_default(),
            reference: self.reference,
            placed_at: self.placed_at.to_jiff(),
            placed_by: self.placed_by,
            released: self.released_at.map(|at| (at.to_jiff(), self.released_by.unwrap_or_default())),
        }
    }
}
