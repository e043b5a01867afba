//! One bootstrap for all services: from configuration to ordered shutdown.

mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tonic_health::ServingStatus;

use crate::audit::{self, Books};
use crate::auth::Gate;
use crate::context::Stops;
use crate::readiness::Readiness;
use crate::service::migrate_by;
use crate::supervisor::Supervisor;
use crate::tls::Tls;
use crate::{Clock, Context, Service, Settings, crash, database, metrics, nats, telemetry};

#[derive(Parser)]
#[command(version, about = "A service of Redress")]
struct Arguments {
    /// Configuration file (TOML); variables win over it.
    #[arg(long, env = "REDRESS_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Serve until SIGTERM or SIGINT (the default).
    Serve,
    /// Bring the database to the schema of this version.
    Migrate,
    /// Create or update every stream and consumer on the broker.
    Provision,
    /// Read and check configuration and policy pack, print the configuration without secrets.
    Check,
}

/// The whole of a service's `main`.
pub fn main(service: &'static Service) -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("redress-{}: cannot start: {error}", service.name);
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(act(service, arguments));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("redress-{}: {error:#}", service.name);
            ExitCode::FAILURE
        }
    }
}

async fn act(service: &'static Service, arguments: Arguments) -> anyhow::Result<()> {
    let settings = Settings::load(service, arguments.config.as_deref())?;
    match arguments.action.unwrap_or(Action::Serve) {
        Action::Serve => run(service, settings).await,
        Action::Migrate => migrate_by(service, &settings.database).await,
        Action::Provision => {
            let client = nats::connect_once(service.name, &settings.nats).await?;
            nats::provision(&client, &settings.nats.prefix, settings.nats.storage_mib).await
        }
        Action::Check => {
            settings.auth.check()?;
            let packs = settings.policy.load()?;
            let own = (service.own.read)(&settings.own)?;
            println!("{settings:#?}\n{own:#?}\npolicy {}", packs.told());
            Ok(())
        }
    }
}

/// Serves until SIGTERM or SIGINT, then stops in order. If a task ends before, it stops in order too, and fails.
pub async fn run(service: &'static Service, settings: Settings) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = tokio::select! {
        running = start(service, settings, Clock::default()) => running?,
        // It may wait for its database for long.
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let dead = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        dead = running.failed() => Some(dead),
    };
    let stopped = running.stop().await;
    match dead {
        Some(dead) => bail!("{dead}, so the service has stopped"),
        None => stopped,
    }
}

/// A service that serves.
pub struct Running {
    service: &'static str,
    grpc: SocketAddr,
    admin: SocketAddr,
    stops: Stops,
    supervisor: Supervisor,
    health: tonic_health::server::HealthReporter,
    feeders: TaskTracker,
    calls: TaskTracker,
    workers: TaskTracker,
    relay: TaskTracker,
    limit: Duration,
    linger: Duration,
    pool: sqlx::PgPool,
    nats: async_nats::Client,
}

/// Starts a service; it serves when this returns. It waits for its database, and not for the broker.
pub async fn start(service: &'static Service, settings: Settings, clock: Clock) -> anyhow::Result<Running> {
    let begun = Instant::now();
    telemetry::start(service.name, &settings.telemetry)?;
    // Before anything is waited for: who may call what must be clear.
    let packs = Arc::new(settings.policy.load()?);
    if packs.day(clock.now()) < packs.versions()[0].from {
        tracing::warn!(policy = packs.told(), "no version of the policy pack has begun: the oldest is taken");
    }
    let gate = Gate::open(service.name, &settings.auth, &settings.limits, (&packs, &clock)).await?;
    let tls = settings.grpc.tls.as_ref().map(Tls::open).transpose()?.map(Arc::new);
    let books = Books::open(service.name, &settings.audit)?;
    let home = database::DatabaseTarget::of(service.name, &settings.database)?;
    let may_forget = settings.database.unsafe_durability_for_tests;
    database::check(service.name, &home, service.migrations, may_forget, clock.is_rehearsal()).await?;
    settings.database.warn(service.name);
    let reads = database::reads(service.name, home.options()?, settings.database.reads);
    let refusals = Arc::new(nats::Refusals::new(service.name));
    let nats = nats::open(service.name, &settings.nats, &refusals).await?;
    let supervisor = Supervisor::new(service.name);
    let context = Context {
        service: service.name,
        long: service.long,
        packs,
        home,
        reads,
        nats,
        refusals,
        clock,
        gate,
        tls,
        wake: Arc::new(Notify::new()),
        handed: Arc::default(),
        pace: Arc::default(),
        progress: Arc::default(),
        redrive: Arc::new(OnceLock::new()),
        // What readiness and metrics look at: `LaneState::waiting()` and `oldest()` of each lane.
        lane_states: Arc::new(OnceLock::new()),
        sweeps: Mutex::default(),
        own_parts: Mutex::default(),
        books,
        differs: OnceLock::new(),
        in_use: OnceLock::new(),
        audited: Mutex::new(vec![&audit::JOURNAL, &audit::DECISION]),
        supervisor: supervisor.clone(),
        stops: Stops::default(),
        workers: TaskTracker::new(),
        feeders: TaskTracker::new(),
        settings,
    };
    let routes = (service.build)(&context).await?;
    let running = serve::serve(&context, routes, Readiness::new(supervisor)).await?;
    metrics::started(service.name, begun.elapsed().as_secs_f64());
    tracing::info!(
        service = service.name,
        grpc = %running.grpc,
        admin = %running.admin,
        policy = context.packs.told(),
        prefix = context.settings.nats.prefix,
        "serving"
    );
    Ok(running)
}

/// Names under which gRPC health answers: the server as a whole, and the service.
fn health_names(service: &str) -> [String; 2] {
    let mut letters = service.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).unwrap_or_default();
    [String::new(), format!("redress.{service}.v1.{first}{}Service", letters.as_str())]
}

impl Running {
    /// Address of the gRPC port.
    pub fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Address of the admin port.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Name of the service.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Waits until one of its tasks is gone; says which. Nothing is left to do then but to stop it.
    pub async fn failed(&self) -> String {
        self.supervisor.death().await
    }

    /// Stops in order: unready, no new messages, no new calls, lanes finish, the journal is published. Fails if the
    /// limit passes first.
    pub async fn stop(self) -> anyhow::Result<()> {
        let limit = self.limit;
        let service = self.service;
        let stopped = tokio::time::timeout(limit, self.stop_in_order()).await;
        telemetry::flush();
        stopped.with_context(|| format!("{service} did not stop within {limit:?}"))
    }

    async fn stop_in_order(self) {
        self.supervisor.stop();
        for name in health_names(self.service) {
            self.health.set_service_status(name, ServingStatus::NotServing).await;
        }
        // Who sends calls here sees it before they are refused (P44).
        tokio::time::sleep(self.linger).await;
        crash::point("run.unready");
        self.stops.feeders.cancel();
        self.stops.calls.cancel();
        self.calls.close();
        // Calls under way end; a half-open connection may hold the server up, so this is not waited for long.
        let _ = tokio::time::timeout(Duration::from_secs(3), self.calls.wait()).await;
        crash::point("run.calls_stopped");
        self.stops.lanes.cancel();
        self.workers.close();
        self.workers.wait().await;
        crash::point("run.lanes_stopped");
        self.feeders.close();
        self.feeders.wait().await;
        crash::point("run.feeders_stopped");
        self.stops.relay.cancel();
        self.relay.close();
        self.relay.wait().await;
        crash::point("run.relay_stopped");
        // Acknowledgements are still in the client's buffer.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.nats.flush()).await;
        let _ = tokio::time::timeout(Duration::from_secs(2), self.pool.close()).await;
        tracing::info!(service = self.service, "stopped");
    }
}
