//! Sums of customers and persons in the database.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes};
use sqlx::Row;
use sqlx::types::Json;

use crate::sums::Sums;

macro_rules! sums {
    () => {
        "SELECT scope, version, sums FROM sums WHERE scope = ANY($1) ORDER BY scope"
    };
}

pub(super) const READ: &str = sums!();
pub(super) const LOCK: &str = concat!(sums!(), " FOR UPDATE");

/// Only as it was read: two claims of one customer do not share what is left of the authority.
pub(super) const WRITE: &str = "\
    INSERT INTO sums (scope, version, sums, minor) \
    SELECT scope, version, sums::json, minor \
    FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS s(scope, version, sums, minor) ORDER BY scope \
    ON CONFLICT (scope) DO UPDATE \
    SET version = EXCLUDED.version, sums = EXCLUDED.sums, minor = EXCLUDED.minor \
    WHERE sums.version = EXCLUDED.version - 1";

/// Reads sums; what is not there is nothing yet.
pub async fn read(tx: &mut Tx, lock: Lock, scopes: &BTreeSet<String>) -> Result<BTreeMap<String, Sums>, Fault> {
    let mut sums: BTreeMap<String, Sums> = scopes.iter().map(|scope| (scope.clone(), Sums::default())).collect();
    if scopes.is_empty() {
        return Ok(sums);
    }
    let keys: Vec<&str> = scopes.iter().map(String::as_str).collect();
    for row in sqlx::query(lock.pick(LOCK, READ)).bind(keys).fetch_all(tx).await? {
        let Json(known) = row.try_get::<Json<Sums>, _>("sums")?;
        sums.insert(row.try_get("scope")?, known.at(row.try_get("version")?));
    }
    Ok(sums)
}

/// Writes what has changed.
pub fn write(writes: &mut Writes, sums: &BTreeMap<String, Sums>, changed: &BTreeSet<String>) -> Result<(), Fault> {
    let rows: Vec<(&str, &Sums)> =
        changed.iter().filter_map(|scope| Some((scope.as_str(), sums.get(scope)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let text = rows.iter().map(|(_, sums)| serde_json::to_string(sums)).collect::<Result<Vec<String>, _>>();
    let text = text.map_err(|error| Fault::Permanent(format!("sums cannot be written: {error}")))?;
    writes
        .exactly(rows.len(), WRITE)
        .bind(rows.iter().map(|(scope, _)| (*scope).to_owned()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, sums)| sums.version + 1).collect::<Vec<_>>())
        .bind(text)
        .bind(rows.iter().map(|(_, sums)| sums.total()).collect::<Vec<_>>());
    Ok(())
}
