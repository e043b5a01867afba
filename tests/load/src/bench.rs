//! One run: the baseline before, the points, what grows, the check, the baseline after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::b6::{self, Baseline};
use crate::options::{Options, Point};
use crate::point::{self, Measured};
use crate::report::{Machine, Memory, Report};
use crate::shop::Shop;
use crate::stand::Stand;
use crate::{check, growth, processes, profile};

/// Seconds of one measurement of the baseline, at the most.
const BASELINE_SECONDS: u64 = 20;

/// Runs what is asked for.
pub async fn run(mut options: Options) -> Result<Report> {
    if options.quick {
        make_quick(&mut options);
    }
    let points = points(&options);
    let begun = Instant::now();
    say("starting PostgreSQL, NATS and the six services");
    let mut stand = Stand::start(&options).await?;
    let machine = Machine::of(&stand);
    machine.warnings.iter().for_each(|warning| say(warning));
    tokio::time::sleep(Duration::from_secs(if options.quick { 0 } else { 3 })).await;
    let idle = processes::memory();
    processes::forget_peaks();
    let seconds = options.seconds.min(BASELINE_SECONDS);
    b6::prepare(&stand).await?;
    let raw_commit_ms = b6::raw_commit_ms(&stand, seconds.min(3)).await?;
    let before = baseline(&stand, seconds, "before").await?;
    say(&format!("preparing {} SKUs and {} order lines", options.skus, options.lines));
    let shop = stand.open_shop("B", options.skus, options.lines).await?;
    let measured = measure(&stand, &shop, &points).await?;
    let memory = Memory::table(&idle, &processes::memory());
    let mut grown = BTreeMap::new();
    for what in &options.growth {
        say(&format!("growth: {what:?}"));
        let (name, figures) = growth::run(&mut stand, &shop, *what).await?;
        say(&format!("{name}: {figures}"));
        grown.insert(name.to_owned(), figures);
    }
    say("checking that every claim is closed and everything adds up");
    let problems = check::check(&stand).await?;
    let after = baseline(&stand, seconds, "after").await?;
    let claims = stand.driver.tally().closed.load(std::sync::atomic::Ordering::Relaxed);
    let repeated = stand.driver.tally().repeated.load(std::sync::atomic::Ordering::Relaxed);
    stand.stop().await?;
    let mut report = Report::new(machine, (before, after), raw_commit_ms, measured);
    (report.memory_mib, report.growth, report.problems) = (memory, grown, problems);
    (report.claims, report.calls_repeated, report.seconds) = (claims, repeated, begun.elapsed().as_secs_f64());
    Ok(report)
}

/// Progress, for people who wait.
pub fn say(what: &str) {
    eprintln!("{what}");
}

async fn baseline(stand: &Stand, seconds: u64, when: &str) -> Result<Baseline> {
    let found = b6::measure(stand, seconds).await?;
    say(&format!("B6 {when}: {:.0} claims/s by {}", found.claims_per_s, found.by));
    Ok(found)
}

fn make_quick(options: &mut Options) {
    (options.seconds, options.skus, options.lines) = (2, options.skus.min(20), options.lines.min(100));
    options.closed_claims = options.closed_claims.min(2_000);
    options.deadlines = options.deadlines.min(200);
    options.hold = options.hold.or(Some(3));
    if options.points.is_empty() && options.growth.is_empty() {
        options.points = vec![Point::Closed(8)];
    }
}

fn points(options: &Options) -> Vec<Point> {
    if options.points.is_empty() && options.growth.is_empty() {
        return Point::ALL.to_vec();
    }
    options.points.clone()
}

async fn measure(stand: &Stand, shop: &Arc<Shop>, points: &[Point]) -> Result<Vec<Measured>> {
    let profiled = points.iter().rposition(|point| point.is_closed());
    let mut measured: Vec<Measured> = Vec::new();
    let mut peak: Option<f64> = None;
    for (place, &point) in points.iter().enumerate() {
        stand.settle().await?;
        let profile = match &stand.options.profile {
            Some(file) if Some(place) == profiled => Some(profile::start(file, stand.options.seconds)?),
            _ => None,
        };
        let found = point::measure(stand, shop, point, peak).await?;
        if let Some(profile) = profile {
            say(&profile.finish().await?);
        }
        if point.is_closed() {
            peak = Some(peak.unwrap_or(0.0).max(found.claims_per_s));
        }
        let (ack, closed) = (found.ack_ms.p50, found.closed_ms);
        say(&format!(
            "{point}: {:.1} claims/s, acknowledged p50 {ack:.1} ms, closed p50 {:.1} ms, p99 {:.1} ms",
            found.claims_per_s, closed.p50, closed.p99
        ));
        measured.push(found);
    }
    Ok(measured)
}
