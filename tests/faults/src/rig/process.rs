//! One process of a service, with its two links.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use local::Secrets;
use local::servers::child::Running;
use local::servers::port;
use local::stack;
use nix::sys::signal::Signal;

use super::RigOptions;
use crate::log::{Line, Log, now_ms};
use crate::proxy::Proxy;

/// A service must end in order within this time.
pub const ORDERLY_END: Duration = Duration::from_secs(25);

/// Canaries get through every fault, beside the claims of the workload (P54).
const CANARY_EVERY: &str = "10s";

/// A day that customers have to answer lasts so many seconds: what nobody answers is reminded and lapses in a run.
pub const DAY_S: u64 = 2;

/// One process of a service.
pub struct Process {
    /// Name of the service.
    pub service: &'static str,
    /// Which of its processes, from 0.
    pub replica: usize,
    /// Where it serves gRPC; stays the same.
    pub grpc: SocketAddr,
    /// Where it serves probes and metrics; stays the same.
    pub admin: SocketAddr,
    /// Its link to PostgreSQL.
    pub postgres: Proxy,
    /// Its link to NATS.
    pub nats: Proxy,
    program: PathBuf,
    variables: Vec<(String, String)>,
    file: PathBuf,
    log: Log,
    ready: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Variables of the next start, until healed.
    extra: Vec<(String, String)>,
    /// Files it may have open; none: as many as we.
    files: Option<u32>,
    /// Whether it was ended on purpose, and so is not to be started again by the watcher.
    down: bool,
    paused: bool,
}

/// What the watcher found.
pub(super) enum Found {
    /// It runs, or it is down because the rig wants it to be.
    AsWanted,
    /// It ended by itself.
    Ended(ExitStatus),
}

impl Process {
    pub(super) fn new(
        options: &RigOptions,
        secrets: &Secrets,
        log: Log,
        service: &'static str,
        replica: usize,
        postgres: Proxy,
        nats: Proxy,
    ) -> Result<Self> {
        let grpc = SocketAddr::from(([127, 0, 0, 1], port::free()?));
        let admin = SocketAddr::from(([127, 0, 0, 1], port::free()?));
        let database = format!("postgres://{service}@{}/{service}", postgres.address());
        let broker = format!("nats://{}", nats.address());
        let level = std::env::var("FAULTS_LOG").unwrap_or_else(|_| "info,sqlx=warn".to_owned());
        let mut variables: Vec<_> =
            stack::variables(service, secrets, &database, &broker, &level, Some(&options.policy)).into_iter().collect();
        let prefix = format!("REDRESS_{}", service.to_uppercase());
        variables.push((format!("{prefix}__GRPC__LISTEN"), grpc.to_string()));
        variables.push((format!("{prefix}__ADMIN__LISTEN"), admin.to_string()));
        if service == "intake" {
            variables.push((format!("{prefix}__CANARY__EVERY"), CANARY_EVERY.to_owned()));
        }
        variables.push((format!("{prefix}__NATS__FEED"), true.to_string()));
        variables.push(("REDRESS_DAY_S".to_owned(), DAY_S.to_string()));
        variables.extend(options.settings.iter().map(|(key, value)| (format!("{prefix}__{key}"), value.clone())));
        variables.extend(options.variables.iter().cloned());
        Ok(Self {
            service,
            replica,
            grpc,
            admin,
            postgres,
            nats,
            program: options.program.clone(),
            variables,
            file: options.folder.join(format!("{service}-{replica}.log")),
            log,
            ready: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it unless it runs.
    pub fn start(&self) -> Result<()> {
        let mut state = self.state();
        state.down = false;
        if let Some(running) = &mut state.running
            && running.ended()?.is_none()
        {
            return Ok(());
        }
        let mut command = match state.files {
            None => Command::new(&self.program),
            Some(files) => {
                let mut limited = Command::new("prlimit");
                limited.arg(format!("--nofile={files}:{files}")).arg(&self.program);
                limited
            }
        };
        command.args(["serve", self.service]).env_remove("REDRESS_CRASH_POINT");
        command.envs(self.variables.iter().cloned()).envs(state.extra.iter().cloned());
        state.running = Some(Running::start(command, &self.file, Signal::SIGTERM, Signal::SIGKILL)?);
        drop(state);
        self.tell("started", None, 0.0)
    }

    /// Variables of the following starts, until all is healed: crash points, settings.
    pub fn with_extra(&self, extra: &[(&str, &str)]) {
        self.state().extra = extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    }

    /// How many files it may have open from the next start on, until all is healed.
    pub fn with_files(&self, files: u32) {
        self.state().files = Some(files);
    }

    /// Whether it runs under special variables or limits.
    pub fn is_special(&self) -> bool {
        let state = self.state();
        !state.extra.is_empty() || state.files.is_some()
    }

    pub(super) fn forget_extra(&self) {
        let mut state = self.state();
        state.extra.clear();
        state.files = None;
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&self) -> Result<()> {
        self.kill_quietly();
        self.tell("killed", None, 0.0)
    }

    pub(super) fn kill_quietly(&self) {
        let running = {
            let mut state = self.state();
            state.down = true;
            state.paused = false;
            state.running.take()
        };
        if let Some(running) = running {
            running.kill();
        }
        self.ready.store(false, Ordering::Relaxed);
    }

    /// Asks it to end and waits; gives the exit code and how long it took.
    pub async fn terminate(&self) -> Result<(Option<i32>, Duration)> {
        let Some(mut running) = ({
            let mut state = self.state();
            state.down = true;
            state.running.take()
        }) else {
            return Ok((None, Duration::ZERO));
        };
        let begun = Instant::now();
        running.signal(Signal::SIGTERM);
        while begun.elapsed() < ORDERLY_END {
            if let Some(status) = running.ended()? {
                self.tell("exited", code(status), begun.elapsed().as_secs_f64())?;
                return Ok((code(status), begun.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::task::spawn_blocking(move || running.kill()).await?;
        self.tell("killed", None, begun.elapsed().as_secs_f64())?;
        anyhow::bail!("{self} did not end within {ORDERLY_END:?} of SIGTERM")
    }

    /// Asks it to end and does not wait.
    pub fn ask_to_end(&self) {
        if let Some(running) = &self.state().running {
            running.signal(Signal::SIGTERM);
        }
    }

    /// Stops its clock, as a virtual machine that is moved.
    pub fn pause(&self) {
        let mut state = self.state();
        state.paused = true;
        if let Some(running) = &state.running {
            running.signal(Signal::SIGSTOP);
        }
    }

    /// Lets it go on.
    pub fn resume(&self) {
        let mut state = self.state();
        if state.paused
            && let Some(running) = &state.running
        {
            running.signal(Signal::SIGCONT);
        }
        state.paused = false;
    }

    /// How it ended, if it was not ended by [`Self::kill`] or [`Self::terminate`].
    pub fn ended(&self) -> Result<Option<ExitStatus>> {
        match &mut self.state().running {
            Some(running) => running.ended(),
            None => Ok(None),
        }
    }

    pub(super) fn look(&self) -> Found {
        let mut state = self.state();
        if state.down {
            return Found::AsWanted;
        }
        match state.running.as_mut().and_then(|running| running.ended().ok().flatten()) {
            Some(status) => {
                state.running = None;
                Found::Ended(status)
            }
            None => Found::AsWanted,
        }
    }

    /// Who tests crash points starts it again himself.
    pub fn leave_to_me(&self) {
        self.state().down = true;
    }

    /// Whether it said at the last look that it is ready.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn set_ready(&self, ready: bool) -> Result<()> {
        if self.ready.swap(ready, Ordering::Relaxed) == ready {
            return Ok(());
        }
        self.tell(if ready { "ready" } else { "unready" }, None, 0.0)
    }

    pub(super) fn tell(&self, event: &str, code: Option<i32>, seconds: f64) -> Result<()> {
        self.log.write(&Line::Process {
            at_ms: now_ms(),
            service: self.service.to_owned(),
            replica: self.replica,
            event: event.to_owned(),
            code,
            seconds,
        })
    }

    /// Its own log.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The end of its own log.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.file).context("no log").unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

/// The exit code; a signal is told as a shell tells it.
pub fn code(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.service, self.replica)
    }
}
