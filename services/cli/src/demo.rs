//! `redress demo`: the main job on real data. Sales become order facts and stock, real return lines become claims, and
//! carrier, warehouse, finance desk, staff and customers are played by clients that know nothing but the contract.
//!
//! The demo keeps its own log of what the outside world did, and fails if Redress has refunded anything else.

mod carrier;
mod credits;
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
use proto::policy::Pack;

use crate::claim::timeline;
use crate::connect::{Clients, Identity, Session};
use crate::exit::Failure;
use crate::import::orders::Wanted;
use crate::import::{claims, orders, stock};
use crate::installation::Installation;
use crate::output::{self, Output};
use crate::trust::Trust;
use crate::up::{self, Signals, Up};
use credits::{Claim, Credits};
use report::Summary;
use world::World;

pub use data::{DATES, RETURNS, SALES};

/// Real sales and returns on a private installation, with carrier, warehouse, finance and customers played by clients.
///
/// Prints claims by outcome, what each open one waits for, messages, commits and seconds, then one claim's timeline.
/// No order number is given: which purchase came back is found by customer, article, units and day. At the end each credit
/// line is told: matched, refunded as the file itself credits or otherwise, and why not.
///
/// With `--output json` one object: claims, closed, rejected, withdrawn, waiting (by party), stuck, credits (lines, matched,
/// refunded_as_credited, refunded_otherwise and not_refunded by reason), refunded_minor_units, owed_minor_units,
/// commits_per_claim, messages_per_claim, seconds and more.
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
    /// Play only the first so many credit lines, and the sales to their customers.
    #[arg(long, value_name = "NUMBER")]
    pub lines: Option<usize>,
    /// Give up after so many seconds; what then still waits for Redress itself is stuck.
    #[arg(long, default_value_t = 300)]
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
        stack = up::start_with(&up, settings()) => stack?,
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

/// Seven months of a customer are one day here.
fn settings() -> BTreeMap<String, String> {
    BTreeMap::from([("REDRESS_INTAKE__CUSTOMERS__CLAIMS_PER_DAY".to_owned(), "1000".to_owned())])
}

fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("interrupted")
}

async fn play(demo: &Demo, stack: &Stack, started: Duration, output: Output) -> Result<()> {
    let installation = up::installation(stack);
    let session = session(installation, output)?;
    output.tell(format!("ready after {:.1} s", started.as_secs_f64()))?;
    let begun = Instant::now();

    let data = data::Data::of(demo.lines)?;
    let wanted = Wanted { form: data.sales_form, discounts: Vec::new(), existing: None };
    let sold = orders::import(&data.sales, &wanted, &session).await?;
    output.tell(format!(
        "{}; dates moved by {} days, so that the last of them is today",
        sold.report.summary(),
        sold.report.days_moved
    ))?;
    let goods = stock::import(&data::stock_file(&data.sales)?, Some("GB"), &session).await?;
    output.tell(goods.summary())?;

    let before = measure::count(&session.installation).await?;
    let world = World::open(&session, demo.seed, data::prices(&sold.lines)).await?;
    let submitted = Instant::now();
    let reported = claims::import(&data.returns, &data.returns_form, &session).await?;
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
    let credits = {
        let log = world.log();
        let made: BTreeMap<u64, &str> =
            reported.claims.iter().map(|(row, claim)| (*row, claim.claim_id.as_str())).collect();
        let process = |id: &str| processes.iter().find(|process| process.claim_id == id);
        Credits::of(&data.credits, &reported.report, &Pack::load(None)?, |row| {
            let id = *made.get(&row)?;
            Some(Claim { process: process(id), seen: log.claims.get(id), paid: log.paid_for(id) })
        })
    };
    let mut summary = Summary::new(&world.log(), &processes, numbers.len(), counted, times, sold.report.days_moved);
    summary.credits = credits;
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
