//! `redress up`: all of Redress on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use chassis::Clock;
use jiff::Timestamp;
use local::{Stack, StackOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock;
use crate::installation::Installation;
use crate::output::{self, Output, table};

/// Start all of Redress on this machine, on a private PostgreSQL and NATS, until SIGINT or SIGTERM.
///
/// When it is ready it prints where everything is; with `--output json` as one line
/// `{"services":{"intake":"http://127.0.0.1:…",…},"nats":"…","postgres":{…}}`. Other commands of the same user find it
/// by themselves. Nothing of it outlives this process, but a data folder that was asked for.
///
/// With --from it is a rehearsal: its time begins at that instant, goes on, and is moved forward by `redress clock advance`. Its
/// databases are made for that and are served in no other way; tokens, certificates, leases and the broker go by the real clock.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Up {
    /// Run the six services as six processes.
    #[arg(long)]
    pub processes: bool,
    /// Keep the data in this folder; without it they are gone at the end.
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Do not wait for the disk: faster, and unsafe when the power fails.
    #[arg(long)]
    pub fast: bool,
    /// Policy pack, or a folder with its dated versions; without it the shipped one.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What the services log to standard error, as `info` or `warn,sqlx=off`.
    #[arg(long, default_value = "warn")]
    pub log: String,
    /// Make it a rehearsal that begins at this instant, as 2026-09-28T09:00+08:00. With the --data of a rehearsal it goes on there,
    /// and the instant must not be over.
    #[arg(long, value_name = "INSTANT", conflicts_with = "processes")]
    pub from: Option<Timestamp>,
    /// Send traces to this OTLP collector, as http://127.0.0.1:4317.
    #[arg(long, value_name = "ADDRESS")]
    pub otlp: Option<String>,
}

/// Starts, tells where everything is, and stays.
pub async fn run(command: Up, output: Output) -> Result<()> {
    let mut signals = Signals::new()?;
    let stack = tokio::select! {
        stack = start(&command) => stack?,
        () = signals.any() => return Ok(()),
    };
    let mut installation = installation(&stack);
    let rehearsal = command.from.map(|_| clock::Server::open(&stack)).transpose()?;
    installation.clock = rehearsal.as_ref().map(|server| server.path().to_owned());
    if let Err(error) = installation.leave() {
        eprintln!("redress: other commands will not find this installation by themselves: {error:#}");
    }
    let told = tell(&installation, output);
    if told.is_ok() {
        tokio::select! {
            () = signals.any() => {}
            () = clock::Server::run(rehearsal.as_ref(), &stack) => {}
        }
    }
    installation.take_back();
    drop(rehearsal);
    let stopped = stack.stop().await;
    told.and(stopped)
}

/// Starts an installation.
pub async fn start(command: &Up) -> Result<Stack> {
    start_with(command, BTreeMap::new()).await
}

/// Starts an installation whose services have more settings.
pub async fn start_with(command: &Up, settings: BTreeMap<String, String>) -> Result<Stack> {
    let processes = command.processes.then(std::env::current_exe).transpose()?;
    let options = StackOptions {
        durable: !command.fast,
        root: command.data.clone(),
        processes,
        policy: command.policy.clone(),
        log: command.log.clone(),
        otlp: command.otlp.clone(),
        settings,
        clock: command.from.map_or_else(Clock::default, Clock::rehearsal),
        ..StackOptions::default()
    };
    Stack::start(options).await.context("cannot start Redress here")
}

/// Where everything of a running installation is.
pub fn installation(stack: &Stack) -> Installation {
    Installation {
        services: stack.endpoints().clone(),
        admin: stack.admin_endpoints().clone(),
        nats: stack.nats_url(),
        prefix: stack.prefix().to_owned(),
        postgres: stack.postgres(),
        secrets: Some(stack.secrets().folder().to_owned()),
        clock: None,
    }
}

fn tell(installation: &Installation, output: Output) -> Result<()> {
    if output.is_json() {
        return output::json(installation);
    }
    let mut table = table(["service", "gRPC", "probes and metrics"]);
    for (service, address) in &installation.services {
        let admin = installation.admin.get(service).map_or("", String::as_str);
        table.add_row([service, address, admin]);
    }
    output::line(table)?;
    output::line(format!("broker     {}", installation.nats))?;
    if let (Some(host), Some(port)) = (installation.postgres.get("host"), installation.postgres.get("port")) {
        output::line(format!("PostgreSQL {host} port {port}, one database and role for each service"))?;
    }
    if installation.clock.is_some() {
        output::line("a rehearsal: `redress clock advance` moves its time")?;
    }
    output::line("ready; Ctrl-C ends it")
}

/// The two signals that end a foreground program in order.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub fn new() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
