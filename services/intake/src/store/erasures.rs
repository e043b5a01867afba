//! Keys that were destroyed, and those that came back with a backup.

use chassis::Fault;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgPool;
use uuid::Uuid;

use crate::vault::erasures::Erasure;

pub(super) const ERASURES: &str = "SELECT key_id, fingerprint, erased_at, erased_by, reason, reference FROM customer_key \
     WHERE wrapped IS NULL AND erased_at >= $1 ORDER BY erased_at";

pub(super) const ERASE_AGAIN: &str = "UPDATE customer_key k \
     SET wrapped = NULL, erased_at = e.at, erased_by = e.by, reason = e.reason, reference = e.reference \
     FROM UNNEST($1::uuid[], $2::bytea[], $3::timestamptz[], $4::text[], $5::smallint[], $6::text[]) \
         AS e (key_id, fingerprint, at, by, reason, reference) \
     WHERE k.key_id = e.key_id AND k.fingerprint = e.fingerprint AND k.wrapped IS NOT NULL";

#[derive(sqlx::FromRow)]
struct Row {
    key_id: Uuid,
    fingerprint: Vec<u8>,
    erased_at: Timestamp,
    erased_by: String,
    reason: i16,
    reference: String,
}

/// Keys that were destroyed since then.
pub async fn erasures(pool: &PgPool, since: jiff::Timestamp) -> Result<Vec<Erasure>, Fault> {
    let rows: Vec<Row> = sqlx::query_as(ERASURES).bind(since.to_sqlx()).fetch_all(pool).await?;
    let erasures = rows.into_iter().map(|row| Erasure {
        key: row.key_id,
        fingerprint: chassis::audit::format::hex(&row.fingerprint),
        at: row.erased_at.to_jiff(),
        by: row.erased_by,
        reason: row.reason,
        reference: row.reference,
    });
    Ok(erasures.collect())
}

/// Destroys those of the keys that are there, each known by its fingerprint; gives how many were.
pub async fn erase_again(pool: &PgPool, erasures: &[Erasure], fingerprints: Vec<Vec<u8>>) -> Result<u64, Fault> {
    let done = sqlx::query(ERASE_AGAIN)
        .bind(erasures.iter().map(|erasure| erasure.key).collect::<Vec<_>>())
        .bind(fingerprints)
        .bind(erasures.iter().map(|erasure| erasure.at.to_sqlx()).collect::<Vec<_>>())
        .bind(erasures.iter().map(|erasure| erasure.by.as_str()).collect::<Vec<_>>())
        .bind(erasures.iter().map(|erasure| erasure.reason).collect::<Vec<_>>())
        .bind(erasures.iter().map(|erasure| erasure.reference.as_str()).collect::<Vec<_>>())
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}
