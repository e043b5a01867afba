//! `redress demo`: the main job on real data. Sales become order facts and stock, real return lines become claims, and
//! carrier, warehouse, finance desk, staff and customers are played by clients that know nothing but the contract.
//!
//! The demo keeps its own log of what the outside world did, and fails if Redress has refunded anything else.

mod carrier;
mod customer;
mod data;
mod finance;
mod finish;
mod luck;
mod measure;
mod people;
mod report;
mod warehouse;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use local::Stack;

use crate::claim::timeline;
use crate::connect::{Clients, Identity, Installation, Session};
use crate::exit::Failure;
use crate::import::orders::Wanted;
use crate::import::shift::Until;
use crate::import::{claims, orders, stock};
use crate::output::{self, Output};
use crate::trust::Trust;
use crate::up::{self, Signals, Up};
use report::Summary;
use world::World;

pub use data::{RETURNS, SALES};

/// Real sales and returns on a private installation, with carrier, warehouse, finance and customers played by clients.
///
/// Prints claims by outcome, what each open one waits for, messages, commits and seconds, then one claim's timeline.
/// With `--output json` one object: claims, closed, rejected, withdrawn, waiting (by party), stuck,
/// refunded_minor_units, commits_per_claim, messages_per_claim, seconds and more.
///
/// commits_per_claim counts the transactions that recorded something about claims, in all six databases: a call, a
/// message, or an event. messages_per_claim counts journalled messages of all six.
#[derive(Clone, Debug, clap::Args)]
pub struct Demo {
    /// Seed of what chance decides in the outside world: who answers, what is damaged.
    #[arg(long, default_value_t = 13)]
    pub seed: u64,
    /// Run the six services as six processes.
    #[arg(long)]
    pub processes: bool,
    /// Stay in the foreground afterwards, so that other commands can look at it.
    #[arg(long)]
    pub keep_running: bool,
    /// Give up after so many seconds; what then still waits for Redress itself is stuck.
    #[arg(long, default_value_t = 60)]
    pub limit: u64,
    /// What the services log to standard error.
    #[arg(long, default_value = "error")]
    pub log: String,
}

/// Starts an installation, plays the demo on it, and stops it.
pub async fn run(demo: Demo, output: Output) -> Result<()> {
    let mut signals = Signals::new()?;
    output.tell("starting PostgreSQL, NATS and six services …")?;
    let begun = Instant::now();
    let up = Up { processes: demo.processes, log: demo.log.clone(), ..Up::default() };
    let stack = tokio::select! {
        stack = up::start(&up) => stack?,
        () = signals.any() => return Err(interrupted()),
    };
    let started = begun.elapsed();
    let played = tokio::select! {
        played = play(&demo, &stack, started, output) => played,
        () = signals.any() => Err(interrupted()),
    };
    if demo.keep_running && played.is_ok() {
        let installation = up::installation(&stack);
        installation.leave()?;
        output.tell("\nstill running: try `redress claim list`, `redress work list`; Ctrl-C ends it")?;
        signals.any().await;
        installation.take_back();
    }
    let stopped = stack.stop().await;
    played.and(stopped)
}

fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("interrupted")
}

async fn play(demo: &Demo, stack: &Stack, started: Duration, output: Output) -> Result<()> {
    let installation = up::installation(stack);
    let session = session(installation, output)?;
    output.tell(format!("ready after {:.1} s", started.as_secs_f64()))?;
    let begun = Instant::now();

    let wanted = Wanted { currency: data::CURRENCY.to_owned(), until: Some(Until::Today) };
    let sold = orders::import(SALES, &wanted, &session).await?;
    output.tell(format!(
        "{}; dates moved by {} days, so that the last of them is today",
        sold.report.summary(),
        sold.report.days_moved
    ))?;
    let goods = stock::import(&data::stock_file(SALES)?, Some("GB"), &session).await?;
    output.tell(goods.summary())?;

    let before = measure::count(&session.installation).await?;
    let world = World::open(&session, demo.seed, data::prices(&sold.lines)).await?;
    let submitted = Instant::now();
    let reported = claims::import(RETURNS, Some(Until::Today), &session).await?;
    output.tell(reported.report.summary())?;
    let numbers: BTreeMap<_, _> =
        reported.claims.iter().map(|(_, claim)| (claim.claim_id.clone(), claim.claim_number.clone())).collect();
    let finished = finish::wait(&world, &session, numbers.len(), Duration::from_secs(demo.limit)).await;
    let seconds = begun.elapsed();
    let claims_seconds = submitted.elapsed();
    world.close().await;
    let processes = finished?;
    let counted = measure::count(&session.installation).await?.since(before);

    let times = report::Times { start: started, all: seconds, claims: claims_seconds };
    let summary = Summary::new(&world.log(), &processes, numbers.len(), counted, times, sold.report.days_moved);
    summary.print(output)?;
    tell_one(&world, &numbers, &session).await?;
    let failed = summary.faults();
    if failed.is_empty() { Ok(()) } else { Err(Failure::Checks(failed).into()) }
}

fn session(installation: Installation, output: Output) -> Result<Session> {
    // The shop's own system: it brings orders and stock, and reports claims for its customers.
    let clients = Clients::new(&installation, Identity::default(), &Trust::default())?.acting("shop", "integration")?;
    Ok(Session::with(installation, clients, output))
}

/// The timeline of the claim in which most happened.
async fn tell_one(world: &Arc<World>, numbers: &BTreeMap<String, String>, session: &Session) -> Result<()> {
    if session.output.is_json() {
        return Ok(());
    }
    let Some(claim) = world.log().longest() else { return Ok(()) };
    let number = numbers.get(&claim).map_or("", String::as_str);
    output::line(format!("\nthe life of {number} as every subscriber sees it (id {claim})"))?;
    output::line(timeline::table(&timeline::read(&claim, session).await?))
}
