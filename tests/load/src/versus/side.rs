//! One of the two builds: its own program starts an installation, and claims run through it when it is its turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chassis::topology::{OBSERVER, SUBSCRIBER};
use futures::future::try_join_all;
use local::Secrets;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::logistics::ShipmentState;
use serde::Deserialize;
use tempfile::TempDir;
use testkit::Bearer;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::check;
use crate::driver::Driver;
use crate::load::Load;
use crate::options::Options;
use crate::point::Window;
use crate::processes;
use crate::shop::Shop;
use crate::stand::{CHANNELS, connect};

/// Longest that an installation takes to start or to stop.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long claims run alone; it warms up what comes next, too.
const ALONE: Duration = Duration::from_secs(2);

/// An installation that a program of any build has started, as it prints where everything is.
#[derive(Deserialize)]
struct Installation {
    services: BTreeMap<String, String>,
    nats: String,
    prefix: String,
    secrets: PathBuf,
}

/// One build under measurement: its installation, which runs, and its driver.
pub struct Side {
    child: Child,
    at: Installation,
    secrets: Secrets,
    driver: Driver,
    shop: Arc<Shop>,
    /// Where the installation announces itself: not where those of this user do.
    _home: TempDir,
}

impl Side {
    /// Starts an installation with what was sold and what is in stock.
    pub async fn start(program: &Path, options: &Options) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command.args(["up", "--processes", "--log", "error", "--output", "json"]);
        command.env("XDG_RUNTIME_DIR", home.path()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("it has no output")?).lines();
        let line = tokio::time::timeout(START_LIMIT, lines.next_line()).await.context("it does not start")??;
        let at: Installation =
            serde_json::from_str(&line.context("it did not start")?).context("it does not say where it is")?;
        let secrets = Secrets::open(&at.secrets);
        let bearer = Bearer::new(&secrets);
        let channel = |service| connect(&at.services, service, &bearer);
        let channels = |service| try_join_all((0..CHANNELS).map(move |_| channel(service)));
        // Releases before had one user for all who read.
        let reader = if secrets.nats_password_file(OBSERVER).exists() { OBSERVER } else { SUBSCRIBER };
        let url = secrets.nats_url(&at.nats, reader)?;
        let nats = chassis::connect_nats("load", &url.into()).await?;
        let (intake, logistics) = (channels("intake").await?, channels("logistics").await?);
        let driver = Driver::start(nats, &at.prefix, intake, logistics, &[ShipmentState::Delivered]).await?;
        let shop = Arc::new(Shop::new("V", options.skus, options.lines));
        shop.open(channel("triage").await?, channel("inventory").await?).await?;
        Ok(Self { child, at, secrets, driver, shop, _home: home })
    }

    /// One claim after the other; it warms up what comes next, too.
    pub async fn alone(&self) -> Result<f64> {
        Ok(self.run(1, Duration::ZERO, ALONE).await?.closed_p50_ms)
    }

    /// So many claims in flight, after a fifth of the time to warm up.
    pub async fn loaded(&self, flights: usize, lasts: Duration) -> Result<Ran> {
        let warm_up = (lasts / 5).clamp(Duration::from_millis(500), Duration::from_secs(10));
        self.run(flights, warm_up, lasts).await
    }

    async fn run(&self, flights: usize, warm_up: Duration, lasts: Duration) -> Result<Ran> {
        let root = self.child.id().context("it has ended by itself")?;
        let load = Load::closed(&self.driver, &self.shop, flights);
        tokio::time::sleep(warm_up).await;
        let (from, before) = (Instant::now(), processes::cpu_below(root));
        tokio::time::sleep(lasts).await;
        let (to, after) = (Instant::now(), processes::cpu_below(root));
        let records = load.end().await?;
        let window = Window { from, to };
        let claims = window.closed(&records);
        ensure!(claims > 0, "no claim was closed: {}", self.driver.tally().problems().join("; "));
        Ok(Ran {
            claims: claims as f64,
            seconds: (to - from).as_secs_f64(),
            cpu_ms: after.since(&before, 1.0).without_driver,
            closed_p50_ms: window.latencies(&records).1.p50,
        })
    }

    /// Stops it. What is wrong: a claim that was accepted and not seen closed, or something parked.
    pub async fn stop(mut self) -> Result<Vec<String>> {
        let tally = self.driver.tally();
        let mut problems = tally.problems();
        let (accepted, closed) = (tally.accepted.load(Ordering::Relaxed), tally.closed.load(Ordering::Relaxed));
        if accepted != closed {
            problems.push(format!("{accepted} claims were accepted, {closed} were seen closed"));
        }
        let bearer = Bearer::new(&self.secrets);
        for service in self.at.services.keys() {
            problems.extend(check::parked_at(service, connect(&self.at.services, service, &bearer).await?).await?);
        }
        self.driver.stop();
        let pid = self.child.id().context("it has ended by itself")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        let ended = tokio::time::timeout(START_LIMIT, self.child.wait()).await.context("it does not stop")??;
        ensure!(ended.success(), "it stopped with {ended}");
        Ok(problems)
    }
}

/// What ran in a window, or in several.
pub struct Ran {
    claims: f64,
    seconds: f64,
    cpu_ms: f64,
    closed_p50_ms: f64,
}

impl Ran {
    /// Both windows.
    pub fn and(self, more: Self) -> Self {
        Self {
            claims: self.claims + more.claims,
            seconds: self.seconds + more.seconds,
            cpu_ms: self.cpu_ms + more.cpu_ms,
            closed_p50_ms: f64::midpoint(self.closed_p50_ms, more.closed_p50_ms),
        }
    }

    /// Claims a second that were closed.
    pub fn claims_per_s(&self) -> f64 {
        self.claims / self.seconds
    }

    /// CPU in milliseconds for each.
    pub fn cpu_ms_per_claim(&self) -> f64 {
        self.cpu_ms / self.claims
    }
}
