//! The broker is away for a minute at half the peak. Intake must go on (L8); what has waited must be caught up while new
//! claims come (L9).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::peak;
use crate::bench::say;
use crate::load::Load;
use crate::point::Window;
use crate::shop::Shop;
use crate::stand::Stand;

const HOLD_SECONDS: u64 = 60;
/// Longest that the backlog is waited for.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(240);
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Measures before, during and after.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let peak = peak(stand, shop).await?;
    let rate = (peak / 2.0).max(1.0);
    stand.settle().await?;
    let seconds = (stand.options.seconds as f64).clamp(2.0, 20.0);
    let hold = stand.options.hold.unwrap_or(HOLD_SECONDS) as f64;
    let load = Load::open(&stand.driver, shop, rate, false);
    tokio::time::sleep(Duration::from_secs_f64(seconds / 2.0)).await;

    let normal = Window::new(Instant::now(), seconds);
    let flying = watch(stand, seconds).await;
    say("the broker is killed");
    let killed = Instant::now();
    tokio::task::block_in_place(|| stand.stack.servers().kill_nats());
    tokio::time::sleep(Duration::from_secs_f64(hold)).await;
    let outage = Window { from: killed, to: Instant::now() };
    let backlog = stand.driver.tally().unfinished();
    tokio::task::block_in_place(|| stand.stack.servers().restart_nats())?;
    let back = Instant::now();
    say(&format!("the broker is back; {backlog} claims wait"));

    // As many as usual, or what arrives in a second.
    let enough = (flying * 1.5).max(rate);
    let mut told = back;
    while stand.driver.tally().unfinished() as f64 > enough && back.elapsed() < CATCH_UP_LIMIT {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let tally = stand.driver.tally();
            say(&format!("{} claims wait, {} of them accepted", tally.unfinished(), tally.in_flight()));
        }
    }
    let caught_up = back.elapsed();
    tokio::time::sleep(Duration::from_secs_f64(seconds / 2.0)).await;
    let records = load.end().await?;

    let acked = |window: Window| {
        let acked = records.iter().filter_map(|record| record.acked);
        acked.filter(|at| *at >= window.from && *at < window.to).count() as f64
            / (window.to - window.from).as_secs_f64()
    };
    let (before, during) = (acked(normal), acked(outage));
    let fresh = Window { from: back, to: back + caught_up }.latencies(&records).1;
    Ok(json!({
        "peak_claims_per_s": peak, "offered_per_s": rate, "seconds": hold,
        "intake_per_s": before, "intake_per_s_in_outage": during, "ratio": during / before,
        "in_flight_normal": flying, "backlog": backlog, "backlog_gone_s": caught_up.as_secs_f64(),
        "closed_ms_p99_normal": normal.latencies(&records).1.p99, "closed_ms_p99_of_fresh_claims": fresh.p99,
        "calls_repeated": stand.driver.tally().repeated.load(Ordering::Relaxed),
    }))
}

/// Claims under way on average over some seconds.
async fn watch(stand: &Stand, seconds: f64) -> f64 {
    let begun = Instant::now();
    let (mut sum, mut count) = (0.0, 0.0);
    while begun.elapsed().as_secs_f64() < seconds {
        tokio::time::sleep(Duration::from_millis(50)).await;
        sum += stand.driver.tally().unfinished() as f64;
        count += 1.0;
    }
    sum / count
}
