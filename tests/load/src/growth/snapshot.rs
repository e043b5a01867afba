//! A foreign REPEATABLE READ snapshot, as a backup or a forgotten session holds it: what is updated cannot be cleaned up
//! meanwhile (P27).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use local::SERVICES;
use serde_json::{Value, json};

use super::{flights, steady};
use crate::load::Load;
use crate::point::Window;
use crate::shop::Shop;
use crate::stand::Stand;

const HOLD_SECONDS: u64 = 180;

/// Measures without, then to the end of a long snapshot.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let base = steady(stand, shop).await?.claims_per_s;
    let mut holders = Vec::new();
    for service in SERVICES {
        let mut database = stand.database(service.name).await?;
        sqlx::raw_sql("SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ")
            .execute(&mut database)
            .await?;
        // The snapshot is taken by the first statement.
        sqlx::query("SELECT count(*) FROM relay").execute(&mut database).await?;
        holders.push(database);
    }
    let seconds = stand.options.hold.unwrap_or(HOLD_SECONDS) as f64;
    let begun = Instant::now();
    let load = Load::closed(&stand.driver, shop, flights(stand));
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let records = load.end().await?;
    drop(holders);
    let part = (seconds / 6.0).max(1.0);
    let rate = |from: f64| Window::new(begun + Duration::from_secs_f64(from), part).rate(&records);
    let (first, last) = (rate(0.0), rate(seconds - part));
    Ok(json!({
        "seconds": seconds, "claims_per_s": base, "first_claims_per_s": first, "last_claims_per_s": last,
        "ratio": last / base,
    }))
}
