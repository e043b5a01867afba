//! Keys that were destroyed, and those that came back with a backup.

use chassis::Fault;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgPool;
use uuid::Uuid;

use crate::vault::erasures::Erasure;

pub(super) const ERASURES: &str = "SELECT key_id, fingerprint, erased_at, erased_by, reason, reference FROM customer_key \
     WHERE wrapped IS NULL AND erased_at >= $1 ORDER BY erased_at";

pub(super) const ERASE_AGAIN: &str = "UPDATE customer_key \
     SET wrapped = NULL, erased_at = $3, erased_by = $4, reason = $5, reference = $6 \
     WHERE key_id = $1 AND fingerprint = $2 AND wrapped IS NOT NULL";

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

/// Destroys a key if it is there; gives whether it was.
pub async fn erase_again(pool: &PgPool, erasure: &Erasure, fingerprint: &[u8]) -> Result<bool, Fault> {
    let query = sqlx::query(ERASE_AGAIN).bind(erasure.key).bind(fingerprint).bind(erasure.at.to_sqlx());
    let done = query.bind(&erasure.by).bind(erasure.reason).bind(&erasure.reference).execute(pool).await?;
    Ok(done.rows_affected() > 0)
}
