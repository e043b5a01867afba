//! References of payments in the database: each is used once.

use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use sqlx::Row;
use uuid::Uuid;

pub(super) const READ: &str = "SELECT reference, settlement_id FROM payment WHERE reference = ANY($1)";

/// Whoever is too late adds nothing, and is told so by the number of rows.
pub(super) const WRITE: &str = "\
    INSERT INTO payment (reference, settlement_id) \
    SELECT reference, settlement_id FROM UNNEST($1::text[], $2::uuid[]) AS p(reference, settlement_id) ORDER BY reference \
    ON CONFLICT (reference) DO NOTHING";

/// The settlements that were paid under references.
pub async fn read(tx: &mut Tx, references: &[&str]) -> Result<BTreeMap<String, Uuid>, Fault> {
    if references.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(READ).bind(references).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("reference")?, row.try_get("settlement_id")?))).collect()
}

/// Writes those that are used now.
pub fn write(writes: &mut Writes, paid: &BTreeMap<String, Uuid>) {
    if !paid.is_empty() {
        let writes = writes.exactly(paid.len(), WRITE);
        writes.bind(paid.keys().cloned().collect::<Vec<_>>()).bind(paid.values().copied().collect::<Vec<_>>());
    }
}
