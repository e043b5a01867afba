//! 10,000 deadlines in one second: each must be escalated once, and soon.
//!
//! The claims ask for advice, so each waits for a person, and one clock runs. No clock of the policy is shorter than an
//! hour; therefore SQL moves the deadlines of these clocks into one second that is about to come. From then on everything
//! is as usual: the service finds them by its sweep, and the driver reads of the breaches on the public stream.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::{StreamExt as _, stream};
use proto::claim::claim_event::Kind;
use proto::claim::{Category, ClaimEvent, Resolution};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::public;
use crate::shop::Shop;
use crate::stand::Stand;

const PATIENCE: Duration = Duration::from_secs(180);
const RUNNING: &str = "SELECT count(*) FROM clock WHERE kind = 'final_solution' AND state = 'running'";
/// Into the second that begins four seconds from now.
const MOVE: &str = "\
    UPDATE clock k SET warned = 75, left_us = 0, counted_from = least(k.counted_from, now()), deadline = d.at, next_at = d.at \
    FROM (SELECT claim_id, kind, round, now() + interval '4 seconds' + random() * interval '1 second' AS at \
          FROM clock WHERE kind = 'final_solution' AND state = 'running') d \
    WHERE k.claim_id = d.claim_id AND k.kind = d.kind AND k.round = d.round";
const ESCALATED: &str = "SELECT count(*), count(DISTINCT claim_id) FROM escalation WHERE clock = 'final_solution'";

/// Opens the claims, moves the deadlines, and waits for the breaches.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let count = stand.options.deadlines;
    let mut escalation = stand.database("escalation").await?;
    open_claims(stand, shop, count).await;
    stand.undecided += count;
    wait_for_clocks(&mut escalation, count).await?;
    stand.settle().await?;

    let breaches: Arc<Mutex<BTreeMap<String, (Instant, u32)>>> = Arc::default();
    let seen = Arc::clone(&breaches);
    let filter = format!("{}.v1.claim.*.clock_moved", stand.stack.prefix());
    let consumer = public::subscribe(&stand.nats, stand.stack.prefix(), "CLAIMS", "load-clocks", vec![filter]).await?;
    let reader = tokio::spawn(public::read(consumer, move |message| {
        let Ok(event) = serde_json::from_slice::<ClaimEvent>(&message.payload) else { return };
        if let Some(Kind::ClockMoved(moved)) = event.kind
            && moved.percent == 100
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            // A repeated delivery has the same number and is no second breach.
            seen.entry(event.claim_id).or_insert((Instant::now(), event.number));
        }
    }));
    let moved = Instant::now();
    sqlx::query(MOVE).execute(&mut escalation).await?;
    // `now()` is the begin of the statement.
    let due = moved + Duration::from_secs(5);
    let all_seen = async || breaches.lock().unwrap_or_else(PoisonError::into_inner).len() >= count as usize;
    while !all_seen().await && due.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    reader.abort();
    let seen = breaches.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let last = seen.values().map(|(at, _)| *at).max().map_or(0.0, |at| at.saturating_duration_since(due).as_secs_f64());
    let (rows, claims): (i64, i64) = sqlx::query_as(ESCALATED).fetch_one(&mut escalation).await?;
    let is_right = seen.len() == count as usize && rows == i64::from(count) && claims == rows;
    if !is_right {
        let told = format!("{count} deadlines gave {rows} escalations of {claims} claims; {} were seen", seen.len());
        stand.driver.tally().wrong(told);
    }
    Ok(json!({
        "deadlines": count, "escalations": rows, "claims_escalated": claims, "breaches_seen": seen.len(),
        "all_within_s": last, "each_once": is_right,
    }))
}

async fn open_claims(stand: &Stand, shop: &Arc<Shop>, count: u32) {
    let open = stream::iter(0..count).map(|_| {
        let report = shop.report_of(shop.next(), Category::UsageQuestion, Resolution::TechnicalSupport);
        stand.driver.submit(report, false)
    });
    open.buffer_unordered(64).for_each(async |_| {}).await;
}

async fn wait_for_clocks(escalation: &mut PgConnection, count: u32) -> Result<()> {
    let begun = Instant::now();
    loop {
        let running: i64 = sqlx::query_scalar(RUNNING).fetch_one(&mut *escalation).await?;
        if running >= i64::from(count) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("only {running} of {count} clocks run");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
