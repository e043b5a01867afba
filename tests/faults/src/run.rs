//! One fault after the other: a fresh rig, the checker, the workload, the fault while it runs, the verdict.

mod verdict;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use local::servers::child::Running;
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::sync::watch;

use crate::bugs::Bug;
use crate::fault::{Act, Fault, Stage};
use crate::log::{Line, Log, Phase, now_ms};
use crate::random::Random;
use crate::rig::{Rig, RigOptions};
use crate::workload::{self, Plan};

pub use verdict::{Outcome, Report};

/// A fault begins when the workload is in full swing.
const WARM: Duration = Duration::from_secs(2);
/// No fault takes longer.
const ACT_LIMIT: Duration = Duration::from_secs(240);
/// The workload gives up after so many seconds.
const LOAD_LIMIT: u64 = 240;
/// The checker says "stuck" by itself long before.
const CHECK_LIMIT: Duration = Duration::from_secs(300);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where all that is random comes from.
    pub seed: u64,
    /// Claims per fault; none: as many as the fault wants.
    pub claims: Option<u32>,
    /// Keep the folder of every run, not only of those with violations.
    pub keep: bool,
    /// A mistake planted in every service.
    pub bug: Option<Bug>,
    /// The program that serves a service.
    pub program: PathBuf,
    /// The checker.
    pub checker: PathBuf,
}

/// Runs one fault. What goes wrong with the run itself is a violation, too: nothing was shown.
pub async fn one(fault: &Fault, options: &RunOptions) -> Outcome {
    if let Some(reason) = fault.obstacle() {
        return Outcome::not_done(fault, reason);
    }
    let begun = Instant::now();
    let mut outcome = match folder(fault) {
        Ok(folder) => {
            let mut outcome = Outcome::new(fault, folder.clone());
            if let Err(error) = attempt(fault, options, &folder, &mut outcome).await {
                outcome.violations.push(format!("rig: {error:#}"));
            }
            outcome
        }
        Err(error) => {
            let mut outcome = Outcome::new(fault, PathBuf::new());
            outcome.violations.push(format!("rig: {error:#}"));
            outcome
        }
    };
    outcome.seconds = begun.elapsed().as_secs_f64();
    if outcome.violations.is_empty() && !options.keep {
        outcome.remove_folder();
    }
    outcome
}

fn folder(fault: &Fault) -> Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix(&format!("faults-{}-", fault.id)).tempdir()?;
    Ok(folder.keep())
}

async fn attempt(fault: &Fault, options: &RunOptions, folder: &Path, outcome: &mut Outcome) -> Result<()> {
    let log = Log::open(&folder.join("workload.jsonl"))?;
    let mut rig_options = RigOptions::new(folder.to_owned(), workload::write_policy(folder)?, options.program.clone());
    (fault.prepare)(&mut rig_options);
    if let Some(bug) = &options.bug {
        rig_options.variables.push(("REDRESS_BUG".to_owned(), bug.name.to_owned()));
        let settings = bug.settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        rig_options.settings.extend(settings);
        rig_options.spoil = bug.spoil;
    }
    let begun = Instant::now();
    let rig = Arc::new(Rig::start(rig_options, log.clone()).await?);
    outcome.start = begun.elapsed().as_secs_f64();
    let checker = start_checker(fault, options, folder)?;
    let result = under_load(fault, options, &rig, outcome).await;
    // The checker is asked even when the rig failed: it knows best what became of the claims.
    log.write(&Line::Done { at_ms: now_ms() })?;
    let judged = judge(checker, folder, outcome).await;
    let lines = read_log(folder)?;
    outcome.violations.extend((fault.judge)(&lines));
    outcome.violations.extend(rig.complaints());
    if let Ok(rig) = Arc::try_unwrap(rig) {
        rig.stop().await;
    }
    result.and(judged)
}

/// The workload, and the fault in the middle of it.
async fn under_load(fault: &Fault, options: &RunOptions, rig: &Arc<Rig>, outcome: &mut Outcome) -> Result<()> {
    let plan = Plan { seed: options.seed, claims: options.claims.unwrap_or(fault.claims), seconds_max: LOAD_LIMIT };
    let (over, is_over) = watch::channel(false);
    let (endpoints, secrets, log) = (rig.endpoints(), rig.secrets().clone(), rig.log().clone());
    let load = tokio::spawn(async move {
        let summary = workload::run(plan, &endpoints, &secrets, log).await;
        over.send_replace(true);
        summary
    });
    tokio::time::sleep(WARM).await;
    let random = Random::new(options.seed ^ fault.id.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)));
    let mut stage = Stage { rig: Arc::clone(rig), random, id: fault.id, over: is_over };
    rig.note(fault.id, fault.what, Phase::Begin)?;
    let acted = act(fault, &mut stage).await;
    let healing = Instant::now();
    rig.heal().await?;
    rig.note(fault.id, fault.what, Phase::End)?;
    let recovered = rig.recovery().await;
    if recovered.is_ok() && fault.id != "F00" {
        outcome.recovery = Some(healing.elapsed().as_secs_f64());
    }
    let summary = load.await.context("the workload panicked")?.context("the workload failed")?;
    outcome.summary = format!("{summary:?}");
    acted.context("the fault")?;
    recovered.map(|_| ())
}

async fn act(fault: &Fault, stage: &mut Stage) -> Result<()> {
    let acting: Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> = match fault.act {
        Act::Do(act) | Act::OnSmallDisk(act) => act(stage),
        Act::Not(reason) => anyhow::bail!("not done: {reason}"),
    };
    tokio::time::timeout(ACT_LIMIT, acting).await.context("it did not end")?
}

fn start_checker(fault: &Fault, options: &RunOptions, folder: &Path) -> Result<Running> {
    let mut command = Command::new(&options.checker);
    command.arg("--dir").arg(folder).args(["--output", "json"]);
    if fault.id.starts_with("F15") {
        command.arg("--expect-parked");
    }
    Running::start(command, &folder.join("checker.log"), Signal::SIGTERM, Signal::SIGKILL).context("no checker")
}

/// Waits for the checker and takes its verdict over.
async fn judge(mut checker: Running, folder: &Path, outcome: &mut Outcome) -> Result<()> {
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = checker.ended()? {
            break status;
        }
        ensure!(begun.elapsed() < CHECK_LIMIT, "the checker did not come to an end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    outcome.judging = begun.elapsed().as_secs_f64();
    let report = std::fs::read(folder.join("report.json"));
    let report = report.with_context(|| format!("the checker ({status}) left no report.json"))?;
    outcome.take(&serde_json::from_slice(&report).context("report.json cannot be read")?);
    match status.code() {
        Some(0) => ensure!(outcome.violations.is_empty(), "the checker ended well, but reports violations"),
        Some(1) => ensure!(!outcome.violations.is_empty(), "the checker failed without a violation"),
        code => anyhow::bail!("the checker could not judge the run ({code:?}, see checker.log)"),
    }
    Ok(())
}

fn read_log(folder: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(folder.join("workload.jsonl"))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
