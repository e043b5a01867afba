//! One measured point: throughput, latencies and what a claim costs, over a window of steady load.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::counters::Reading;
use crate::driver::Record;
use crate::load::Load;
use crate::options::Point;
use crate::processes::Cpu;
use crate::shop::Shop;
use crate::stand::Stand;

/// Longest that a window without a closed claim is stretched.
const STRETCH_LIMIT: Duration = Duration::from_secs(60);

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Percentiles {
    /// Half of them are faster.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
}

impl Percentiles {
    /// Of some durations.
    pub fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |share: f64| {
            let rank = (share * took.len() as f64).ceil() as usize;
            took.get(rank.saturating_sub(1)).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
        };
        Self { p50: at(0.50), p90: at(0.90), p99: at(0.99) }
    }
}

/// What was measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Measured {
    /// The point, as closed:64.
    pub point: String,
    /// Claims a second that were to arrive; none in a closed loop.
    pub offered_per_s: Option<f64>,
    /// Claims a second that were closed.
    pub claims_per_s: f64,
    /// Claims that were closed.
    pub claims: usize,
    /// From the scheduled submission to its acknowledgement.
    pub ack_ms: Percentiles,
    /// From the scheduled submission to the end, seen on the public stream.
    pub closed_ms: Percentiles,
    /// Committed transactions of the six databases for each claim, reads included.
    pub commits_per_claim: f64,
    /// Of those, transactions that wrote.
    pub write_commits_per_claim: f64,
    /// Messages for each claim.
    pub messages_per_claim: f64,
    /// CPU in milliseconds for each claim.
    pub cpu_ms_per_claim: Cpu,
}

/// A window of time.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its begin.
    pub from: Instant,
    /// Its end.
    pub to: Instant,
}

impl Window {
    /// A part of a run: so many seconds from here.
    pub fn new(from: Instant, seconds: f64) -> Self {
        Self { from, to: from + Duration::from_secs_f64(seconds) }
    }

    fn has(&self, at: Instant) -> bool {
        at >= self.from && at < self.to
    }

    /// Claims that were closed in it.
    pub fn closed(&self, records: &[Record]) -> usize {
        records.iter().filter(|record| record.ended.is_some_and(|at| self.has(at))).count()
    }

    /// Claims a second that were closed in it.
    pub fn rate(&self, records: &[Record]) -> f64 {
        self.closed(records) as f64 / (self.to - self.from).as_secs_f64()
    }

    /// Claims that were to be submitted in it.
    pub fn scheduled<'a>(&self, records: &'a [Record]) -> impl Iterator<Item = &'a Record> {
        let window = *self;
        records.iter().filter(move |record| window.has(record.scheduled))
    }

    /// Latencies of those: to the acknowledgement, and to the end.
    pub fn latencies(&self, records: &[Record]) -> (Percentiles, Percentiles) {
        let took = |until: fn(&Record) -> Option<Instant>| {
            let took = self.scheduled(records).filter_map(|record| Some(until(record)? - record.scheduled));
            Percentiles::of(took.collect())
        };
        (took(|record| record.acked), took(|record| record.ended))
    }
}

/// Measures a point. `peak` is what an open point in percent refers to.
pub async fn measure(stand: &Stand, shop: &Arc<Shop>, point: Point, peak: Option<f64>) -> Result<Measured> {
    let offered = offered(point, peak)?;
    let load = match (point, offered) {
        (Point::Closed(flights), _) => Load::closed(&stand.driver, shop, flights),
        (_, Some(rate)) => Load::open(&stand.driver, shop, rate, false),
        (_, None) => anyhow::bail!("{point} needs a peak: measure a closed point before it"),
    };
    let seconds = stand.options.seconds as f64;
    tokio::time::sleep(Duration::from_secs_f64((seconds / 5.0).clamp(0.5, 10.0))).await;
    let before = Reading::take(stand).await?;
    let closed = stand.driver.tally().closed.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    wait_for_one(stand, closed).await;
    let after = Reading::take(stand).await?;
    let records = load.end().await?;
    let window = Window { from: before.at, to: after.at };
    let claims = window.closed(&records);
    ensure!(claims > 0, "no claim was closed at {point}: {}", stand.driver.tally().problems().join("; "));
    let (ack_ms, closed_ms) = window.latencies(&records);
    let cost = after.since(&before, claims as f64);
    Ok(Measured {
        point: point.to_string(),
        offered_per_s: offered,
        claims_per_s: window.rate(&records),
        claims,
        ack_ms,
        closed_ms,
        commits_per_claim: cost.commits,
        write_commits_per_claim: cost.writes,
        messages_per_claim: cost.messages,
        cpu_ms_per_claim: cost.cpu,
    })
}

/// A short window on a slow machine is stretched until there is something to divide by.
async fn wait_for_one(stand: &Stand, closed: u64) {
    let begun = Instant::now();
    while stand.driver.tally().closed.load(Ordering::Relaxed) == closed && begun.elapsed() < STRETCH_LIMIT {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn offered(point: Point, peak: Option<f64>) -> Result<Option<f64>> {
    Ok(match (point, peak) {
        (Point::Closed(_), _) => None,
        (Point::OpenRate(rate), _) => Some(rate),
        (Point::OpenPercent(percent), Some(peak)) => Some((peak * f64::from(percent) / 100.0).max(0.1)),
        (Point::OpenPercent(_), None) => anyhow::bail!("{point} needs a peak: measure a closed point before it"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_there_is() {
        let took = (1..=100).map(Duration::from_millis).collect();
        let found = Percentiles::of(took);
        assert_eq!((found.p50, found.p90, found.p99), (50.0, 90.0, 99.0));
        assert_eq!(Percentiles::of(Vec::new()).p99, 0.0);
        assert_eq!(Percentiles::of(vec![Duration::from_millis(7)]).p50, 7.0);
    }

    #[test]
    fn latency_counts_from_the_schedule() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        // Two claims a tenth of a second apart; both are answered after a stall of a second.
        let record = |ms| Record { scheduled: at(ms), acked: Some(at(1_000)), ended: Some(at(1_100)) };
        let records = [record(0), record(100)];
        let (ack, closed) = Window::new(begun, 2.0).latencies(&records);
        assert_eq!((ack.p50, ack.p99, closed.p99), (900.0, 1_000.0, 1_100.0));
        assert_eq!(Window::new(begun, 2.0).rate(&records), 1.0);
        assert_eq!(Window::new(begun, 0.05).scheduled(&records).count(), 1);
    }
}
