//! The workload: claims of all kinds from outside, and everybody who works on them, as callers of the public API only.
//!
//! The plan of every claim and every decision about it follows from the seed, so two runs differ in what Redress and the
//! faults make of them, not in what was wanted. Every attempt of every call that changes something is in the log; the
//! tag of a call is `c<number>.<copy>/<story>/<what>`, or `goods/<what>` where no claim is meant. A tag
//! that ends in `race` marks callers with different request ids who act on one work item or return with one etag: at most
//! one of them may be acknowledged. A tag that ends in `/again` is the same request sent twice at once.

mod call;
mod carrier;
mod customer;
mod desk;
mod dice;
mod end;
mod finance;
mod goods;
mod judges;
mod life;
mod policy;
mod reports;
mod rulers;
mod texts;
mod warehouse;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use local::Secrets;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::log::{Log, now_ms};
use call::Lines;
use dice::Dice;
use life::Life;
use world::World;

pub use policy::write_policy;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all that is random comes from.
    pub seed: u64,
    /// Claims that are planned; a few are reported twice, as two claims.
    pub claims: u32,
    /// The run ends after so many seconds, done or not.
    pub seconds_max: u64,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Claims that were submitted.
    pub submitted: usize,
    /// Claims that were acknowledged.
    pub acknowledged: usize,
    /// Acknowledged claims that are closed.
    pub closed: usize,
    /// Acknowledged claims that are rejected.
    pub rejected: usize,
    /// Acknowledged claims that are withdrawn, or merged into another one.
    pub withdrawn: usize,
    /// Acknowledged claims that wait for a customer who never answers.
    pub waiting: usize,
    /// Acknowledged claims that neither ended nor wait as planned.
    pub open: usize,
    /// Submissions whose outcome was never known.
    pub unknown: usize,
    /// What was answered or ended otherwise than planned.
    pub surprises: Vec<String>,
}

/// Runs a plan against the six services; ends when every acknowledged claim has ended or waits as planned.
pub async fn run(plan: Plan, endpoints: &BTreeMap<String, String>, secrets: &Secrets, log: Log) -> Result<Summary> {
    let until = Instant::now() + Duration::from_secs(plan.seconds_max);
    let lines = Lines::new(endpoints, secrets, log, until)?;
    // The names of two runs on one stack must not meet.
    let dice = Dice::new(plan.seed, format!("{:x}", now_ms() & 0xFFFF_FFFF));
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let lives: Vec<_> = (0..plan.claims).map(|index| Arc::new(Life::new(&dice, index, today))).collect();
    let world = Arc::new(World::new(dice, lines));
    goods::prepare(&world, &lives).await.context("the workload could not be prepared")?;

    let mut desks = JoinSet::new();
    desks.spawn(desk::work::<customer::Customers>(Arc::clone(&world)));
    desks.spawn(desk::work::<judges::Judges>(Arc::clone(&world)));
    desks.spawn(desk::work::<rulers::Rulers>(Arc::clone(&world)));
    desks.spawn(desk::work::<carrier::Carrier>(Arc::clone(&world)));
    desks.spawn(desk::work::<warehouse::Warehouse>(Arc::clone(&world)));
    desks.spawn(desk::work::<goods::Arrivals>(Arc::clone(&world)));
    desks.spawn(desk::work::<finance::Finance>(Arc::clone(&world)));
    let reports = tokio::spawn(reports::arrive(Arc::clone(&world), lives));
    end::wait(&world).await;
    world.lines.close();
    reports.await.context("a customer panicked")?;
    while let Some(ended) = desks.join_next().await {
        ended.context("somebody at a desk panicked")?;
    }
    Ok(end::summary(&world).await)
}
