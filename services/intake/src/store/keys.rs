//! Keys of customers. A key is locked while something is sealed under it, so that nobody destroys it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chassis::{Fault, Lock, Pii, Tx, Writes};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use proto::ClaimId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::Claim;
use crate::handle::World;
use crate::vault::seal::{DataKey, Place};
use crate::vault::{NewKey, Vault, WrappedKey};

pub(super) const LIVE: &str = "SELECT key_id, customer_ref, kek, wrapped FROM customer_key \
     WHERE customer_ref = ANY($1) AND wrapped IS NOT NULL ORDER BY customer_ref FOR SHARE";

/// Keys that were read without a lock and that something was sealed under: nobody has destroyed them, or does before it is
/// written.
pub(super) const STILL_LIVE: &str =
    "SELECT 1 FROM customer_key WHERE key_id = ANY($1) AND wrapped IS NOT NULL FOR SHARE";

/// In the order of customers, so that two replicas cannot deadlock.
pub(super) const INSERT: &str = "INSERT INTO customer_key (key_id, customer_ref, kek, wrapped, fingerprint, made_at) \
     SELECT key_id, customer_ref, kek, wrapped, fingerprint, $6 \
     FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) \
         AS new (key_id, customer_ref, kek, wrapped, fingerprint) ORDER BY customer_ref \
     ON CONFLICT (customer_ref) WHERE wrapped IS NOT NULL DO NOTHING";

pub(super) const OF_CLAIMS: &str = "SELECT c.claim_id, k.key_id, k.customer_ref, k.kek, k.wrapped \
     FROM contact c JOIN customer_key k USING (key_id) \
     WHERE c.claim_id = ANY($1) AND k.wrapped IS NOT NULL ORDER BY k.customer_ref FOR SHARE OF k";

/// One key for each wrapping key that is in use, without reading them all.
pub(super) const SAMPLES: &str = "WITH RECURSIVE used AS ( \
         (SELECT kek FROM customer_key WHERE wrapped IS NOT NULL ORDER BY kek LIMIT 1) \
         UNION ALL \
         SELECT (SELECT k.kek FROM customer_key k WHERE k.wrapped IS NOT NULL AND k.kek > used.kek ORDER BY k.kek LIMIT 1) \
         FROM used WHERE used.kek IS NOT NULL \
     ) \
     SELECT one.key_id, one.customer_ref, one.kek, one.wrapped FROM used CROSS JOIN LATERAL ( \
         SELECT k.key_id, k.customer_ref, k.kek, k.wrapped FROM customer_key k \
         WHERE k.wrapped IS NOT NULL AND k.kek = used.kek ORDER BY k.key_id LIMIT 1 \
     ) one";

pub(super) const WRAPPED_BY: &str = "SELECT key_id, customer_ref, kek, wrapped FROM customer_key \
     WHERE kek = $1 AND wrapped IS NOT NULL ORDER BY key_id LIMIT 100";

pub(super) const REWRAP: &str = "UPDATE customer_key SET kek = $3, wrapped = $4 WHERE key_id = $1 AND wrapped = $2";

/// A key that is not destroyed.
#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    key_id: Uuid,
    customer_ref: String,
    kek: String,
    wrapped: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct ClaimKeyRow {
    claim_id: Uuid,
    #[sqlx(flatten)]
    key: KeyRow,
}

impl From<KeyRow> for WrappedKey {
    fn from(row: KeyRow) -> Self {
        Self { id: row.key_id, customer_ref: row.customer_ref, kek: row.kek, wrapped: row.wrapped }
    }
}

/// The keys of the claims of a batch.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<ClaimId, Arc<DataKey>>);

impl Keys {
    /// Keys for new claims, made for customers who have none, and those of other claims.
    pub async fn of(
        tx: &mut Tx,
        writes: &mut Writes,
        (world, vault): (&World, &Vault),
        new: &[&Claim],
        others: &BTreeSet<Uuid>,
    ) -> Result<Self, Fault> {
        let mut keys = Self::default();
        if !others.is_empty() {
            let others: Vec<Uuid> = others.iter().copied().collect();
            let rows: Vec<ClaimKeyRow> = sqlx::query_as(OF_CLAIMS).bind(others).fetch_all(&mut *tx).await?;
            for row in rows {
                keys.0.insert(ClaimId(row.claim_id), Arc::new(unwrap(vault, &row.key.into())?));
            }
        }
        if let Some(first) = new.first() {
            let customers: BTreeSet<&str> = new.iter().map(|claim| claim.customer_ref.as_str()).collect();
            let live = live(tx, writes, (world, vault), customers, first.received_at).await?;
            let with = |claim: &&Claim| Some((claim.id, live.get(&claim.customer_ref)?.clone()));
            keys.0.extend(new.iter().filter_map(with));
        }
        Ok(keys)
    }

    pub fn key(&self, claim: ClaimId) -> Result<&DataKey, Fault> {
        let key = self.0.get(&claim);
        key.map(AsRef::as_ref)
            .ok_or_else(|| Fault::Permanent(format!("claim {claim} has no key: its customer is forgotten")))
    }

    /// Seals a text of a claim, for its place.
    pub fn seal(&self, claim: &Claim, place: (Uuid, i16, &str), text: &Pii<String>) -> Result<Vec<u8>, Fault> {
        let (row, number, field) = place;
        self.key(claim.id)?.seal(&Place { customer_ref: &claim.customer_ref, row, number, field }, text)
    }
}

fn unwrap(vault: &Vault, key: &WrappedKey) -> Result<DataKey, Fault> {
    // Another replica may know a newer wrapping key than this one: it is not the fault of the command.
    vault.unwrap(key).map_err(|_| Fault::Transient(format!("key {} cannot be unwrapped by {}", key.id, key.kek)))
}

type Live = BTreeMap<String, Arc<DataKey>>;

/// The keys of customers, made for those who have none. If another replica is first for one of them, the batch is tried
/// again, and finds that key.
async fn live(
    tx: &mut Tx,
    writes: &mut Writes,
    (world, vault): (&World, &Vault),
    customers: BTreeSet<&str>,
    now: Timestamp,
) -> Result<Live, Fault> {
    let all: Vec<&str> = customers.iter().copied().collect();
    let mut found = match world.lock {
        Lock::Rows => find(tx, vault, &all).await?,
        Lock::Nothing => unwrapped(vault, world.keys.iter().cloned())?,
    };
    if world.lock == Lock::Nothing && !found.is_empty() {
        let keys: Vec<Uuid> = found.values().map(|key| key.id).collect();
        writes.finds(keys.len(), STILL_LIVE).bind(keys);
    }
    let missing: Vec<&str> = all.iter().copied().filter(|customer| !found.contains_key(*customer)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let made: Result<Vec<NewKey>, Fault> = missing.iter().map(|customer| vault.make(customer, now)).collect();
    let made = made?;
    let column = |of: fn(&NewKey) -> &String| made.iter().map(|key| of(key).clone()).collect::<Vec<_>>();
    let bytes = |of: fn(&NewKey) -> &Vec<u8>| made.iter().map(|key| of(key).clone()).collect::<Vec<_>>();
    writes
        .exactly(made.len(), INSERT)
        .bind(made.iter().map(|key| key.wrapped.id).collect::<Vec<_>>())
        .bind(column(|key| &key.wrapped.customer_ref))
        .bind(column(|key| &key.wrapped.kek))
        .bind(bytes(|key| &key.wrapped.wrapped))
        .bind(bytes(|key| &key.fingerprint))
        .bind(now.to_sqlx());
    found.extend(made.into_iter().map(|made| (made.wrapped.customer_ref, Arc::new(made.key))));
    Ok(found)
}

async fn find(tx: &mut Tx, vault: &Vault, customers: &[&str]) -> Result<Live, Fault> {
    let rows: Vec<KeyRow> = sqlx::query_as(LIVE).bind(customers).fetch_all(tx).await?;
    unwrapped(vault, rows.into_iter().map(WrappedKey::from))
}

fn unwrapped(vault: &Vault, keys: impl Iterator<Item = WrappedKey>) -> Result<Live, Fault> {
    keys.map(|key| Ok((key.customer_ref.clone(), Arc::new(unwrap(vault, &key)?)))).collect()
}

/// A key of a customer for each wrapping key that is in use.
pub async fn key_samples(pool: &PgPool) -> Result<Vec<WrappedKey>, Fault> {
    let rows: Vec<KeyRow> = sqlx::query_as(SAMPLES).fetch_all(pool).await?;
    Ok(rows.into_iter().map(WrappedKey::from).collect())
}

/// Some of the keys that are wrapped by a wrapping key.
pub async fn keys_wrapped_by(pool: &PgPool, kek: &str) -> Result<Vec<WrappedKey>, Fault> {
    let rows: Vec<KeyRow> = sqlx::query_as(WRAPPED_BY).bind(kek).fetch_all(pool).await?;
    Ok(rows.into_iter().map(WrappedKey::from).collect())
}

/// Stores a key that was wrapped anew, if it is still as it was.
pub async fn rewrapped(pool: &PgPool, before: &WrappedKey, now: &WrappedKey) -> Result<(), Fault> {
    let query = sqlx::query(REWRAP).bind(before.id).bind(&before.wrapped).bind(&now.kek).bind(&now.wrapped);
    query.execute(pool).await?;
    Ok(())
}
