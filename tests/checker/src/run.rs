//! One run: subscribes at once, waits until the workload is over and all is settled or stuck, reads, judges, reports.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use proto::orchestrator::ListProcessesRequest;
use proto::policy::Pack;
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::checks;
use crate::evidence::{Evidence, Violation, is_terminal, now_ms};
use crate::gather::{Gatherer, Observed};
use crate::log::{Log, Tail};
use crate::report::{self, Report};
use crate::subscriber::{Place, Subscriber};
use crate::watch;

/// A log that does not grow for so long has been given up by those who write it.
const SILENCE: Duration = Duration::from_secs(900);
/// The rig may still be writing its first files.
const START: Duration = Duration::from_secs(60);

/// Where everything is.
#[derive(Clone, Debug, Deserialize)]
pub struct Stack {
    /// gRPC address of each service.
    pub endpoints: BTreeMap<String, String>,
    /// Bearer token of somebody who may read everything.
    pub token: String,
    /// Address of the broker.
    pub nats: String,
    /// Prefix of the installation.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Seconds of a day that customers have to answer.
    #[serde(default = "day_s")]
    pub day_s: u64,
}

fn day_s() -> u64 {
    24 * 60 * 60
}

fn prefix() -> String {
    "redress".to_owned()
}

/// What is judged, and how.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The folder of the run.
    pub dir: &'a Path,
    /// Claims behind a parked message may wait.
    pub expect_parked: bool,
    /// Without progress for so long a run is stuck.
    pub settle: Duration,
}

/// Judges a run. An error: it could not be judged.
pub async fn run(options: Options<'_>) -> Result<Report> {
    let stack = stack(options.dir).await?;
    let place = |stream, kind| Place { nats: stack.nats.clone(), prefix: stack.prefix.clone(), stream, kind };
    let (claims, notices, bulk) = (place("CLAIMS", "claim"), place("NOTICES", "notice"), place("FEED", "feed"));
    let api = Arc::new(Api::new(&stack.endpoints, &stack.token)?);
    let observed = Arc::new(Mutex::new(Observed::default()));
    let started_ms = now_ms();
    let log = Arc::new(Mutex::new(Log::default()));

    // Everything here ends with this function.
    let mut tasks = JoinSet::new();
    follow(&mut tasks, &claims, &notices, &observed);
    tasks.spawn(watch::watch(Arc::clone(&api), Arc::clone(&log), Arc::clone(&observed)));

    let mut tail = wait_for_the_end(options.dir, &log).await?;
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(line) = log.unreadable.first() {
        bail!("{} lines of the log cannot be read, the first: {line}", log.unreadable.len());
    }
    let begun = Instant::now();
    settle(&api, &log, options).await;
    let (contacts, descriptions) = (BTreeMap::new(), BTreeMap::new());
    let expect_parked = options.expect_parked;
    let mut gatherer = Gatherer {
        api,
        claims: claims.clone(),
        notices: notices.clone(),
        bulk,
        observed,
        policy: policy(options.dir)?,
        expect_parked,
        day_ms: stack.day_s * 1_000,
        started_ms,
        contacts,
        descriptions,
    };
    let (evidence, violations) = judge(&mut gatherer, &mut log, &mut tail).await;
    tasks.shutdown().await;

    let claims = evidence.known_claims().into_iter().filter(|claim| !evidence.is_canary(claim)).count();
    let report = Report { claims, violations, seconds: begun.elapsed().as_secs_f64(), notes: report::notes(&evidence) };
    write(options.dir, &report, &evidence)?;
    Ok(report)
}

fn follow(tasks: &mut JoinSet<()>, claims: &Place, notices: &Place, observed: &Arc<Mutex<Observed>>) {
    let prefix = claims.prefix.clone();
    let with = |change: fn(&mut Observed)| {
        let observed = Arc::clone(observed);
        move || change(&mut observed.lock().unwrap_or_else(PoisonError::into_inner))
    };
    let here = Arc::clone(observed);
    let take = move |message: crate::feed::Arrived| {
        here.lock().unwrap_or_else(PoisonError::into_inner).live.take(&prefix, &message, false);
    };
    let restarted = with(|observed| observed.live.restarts += 1);
    tasks.spawn(Subscriber::new(claims.clone(), take, restarted).follow());

    let (prefix, here) = (notices.prefix.clone(), Arc::clone(observed));
    let take = move |message: crate::feed::Arrived| {
        here.lock().unwrap_or_else(PoisonError::into_inner).notices.take(&prefix, &message);
    };
    let restarted = with(|observed| observed.notices.restarts += 1);
    tasks.spawn(Subscriber::new(notices.clone(), take, restarted).follow());
}

/// The policy of the run; without a file the one that ships.
fn policy(dir: &Path) -> Result<Pack> {
    let file = dir.join("policy.toml");
    Ok(Pack::load(file.exists().then_some(&file))?)
}

async fn stack(dir: &Path) -> Result<Stack> {
    let file = dir.join("stack.json");
    let begun = Instant::now();
    loop {
        let read = std::fs::read_to_string(&file).map_err(anyhow::Error::from);
        match read.and_then(|text| Ok(serde_json::from_str(&text)?)) {
            Ok(stack) => return Ok(stack),
            Err(error) if begun.elapsed() > START => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Reads the log until its line `done`.
async fn wait_for_the_end(dir: &Path, log: &Mutex<Log>) -> Result<Tail> {
    let file = dir.join("workload.jsonl");
    let begun = Instant::now();
    let mut tail = loop {
        match Tail::open(&file) {
            Ok(tail) => break tail,
            Err(error) if begun.elapsed() > START => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    let mut grew = Instant::now();
    loop {
        {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.read(&mut log)? {
                grew = Instant::now();
            }
            if log.done_ms.is_some() {
                return Ok(tail);
            }
        }
        if grew.elapsed() > SILENCE {
            bail!("the log has no line `done`, and does not grow");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until every acknowledged claim has ended or waits for somebody named, or nothing moves any more.
async fn settle(api: &Api, log: &Log, options: Options<'_>) {
    let acknowledged = log.acknowledged();
    let mut moved = Instant::now();
    let mut last = None;
    loop {
        let processes = api.list(ListProcessesRequest::default()).await;
        // What cannot be read now is told by the reading that follows.
        api.take_unread();
        let settled = |process: &&proto::orchestrator::Process| {
            is_terminal(process.state()) || checks::is_named(process.waiting_for())
        };
        // Canaries come all the time: they say nothing about what still moves.
        let known = || processes.iter().filter(|process| acknowledged.contains_key(&process.claim_id));
        let settled = known().filter(settled).count();
        let events: u64 = known().map(|process| u64::from(process.events)).sum();
        if settled == acknowledged.len() {
            return;
        }
        if last != Some((settled, events)) {
            last = Some((settled, events));
            moved = Instant::now();
        }
        if moved.elapsed() > options.settle {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Reads and checks, again while a violation may still be mended in the time that its promise leaves.
async fn judge(gatherer: &mut Gatherer, log: &mut Log, tail: &mut Tail) -> (Evidence, Vec<Violation>) {
    loop {
        // Processes get ready after the end of the workload, too. A log that cannot be read now has told enough.
        let _ = tail.read(log);
        let evidence = gatherer.read(log).await;
        let found = checks::run(&evidence);
        // What cannot be mended is said at once, with what was found beside it.
        let latest = found.iter().map(|violation| violation.until_ms).max().unwrap_or(0);
        let now = now_ms();
        if latest < evidence.now_ms {
            return (evidence, found);
        }
        tokio::time::sleep(Duration::from_millis(latest.saturating_sub(now).clamp(200, 2_000))).await;
    }
}

fn write(dir: &Path, report: &Report, evidence: &Evidence) -> Result<()> {
    let put = |name: &str, text: String| {
        let file = dir.join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    put("report.json", serde_json::to_string_pretty(report)?)?;
    put("report.md", report::text(report, evidence))
}
