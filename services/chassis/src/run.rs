//! One bootstrap for all services: from configuration to ordered shutdown.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use proto::operations::operations_service_server::OperationsServiceServer;
use proto::policy::Pack;
use secrecy::ExposeSecret;
use std::future::IntoFuture;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::admin::{self, Probes};
use crate::context::Stops;
use crate::grpc::Edge;
use crate::operations::Operations;
use crate::relay::Relay;
use crate::{Clock, Context, Service, Settings, database, housekeeping, nats, telemetry};

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
    let settings = Settings::load(service.name, arguments.config.as_deref())?;
    match arguments.action.unwrap_or(Action::Serve) {
        Action::Serve => run(service, settings).await,
        Action::Migrate => database::migrate(&settings.database.url, service.migrations).await,
        Action::Provision => {
            let client = nats::connect(service.name, &settings.nats.url).await?;
            nats::provision(&client, &settings.nats.prefix, settings.nats.storage_mib).await
        }
        Action::Check => {
            let pack = Pack::load(settings.policy.file.as_deref())?;
            println!("{settings:#?}\npolicy {}", pack.label());
            Ok(())
        }
    }
}

/// Serves until SIGTERM or SIGINT, then stops in order.
pub async fn run(service: &'static Service, settings: Settings) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = start(service, settings, Clock::default()).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await
}

/// A service that serves.
pub struct Running {
    service: &'static str,
    grpc: SocketAddr,
    admin: SocketAddr,
    stops: Stops,
    stopping: Arc<AtomicBool>,
    health: tonic_health::server::HealthReporter,
    feeders: TaskTracker,
    calls: TaskTracker,
    workers: TaskTracker,
    relay: TaskTracker,
    limit: Duration,
    pool: sqlx::PgPool,
    nats: async_nats::Client,
}

/// Starts a service; it serves when this returns.
pub async fn start(service: &'static Service, settings: Settings, clock: Clock) -> anyhow::Result<Running> {
    telemetry::start(service.name, &settings.telemetry)?;
    let pack = Arc::new(Pack::load(settings.policy.file.as_deref())?);
    let options = database::options(service.name, &settings.database.url)?;
    let reads = database::reads(options.clone(), settings.database.reads).await?;
    database::check(&reads, service.migrations).await?;
    let nats = nats::connect(service.name, &settings.nats.url).await?;
    let context = Context {
        service: service.name,
        pack,
        options,
        reads,
        nats,
        clock,
        wake: Arc::new(Notify::new()),
        progress: Arc::default(),
        redrive: Arc::new(OnceLock::new()),
        // What readiness and metrics look at: `LaneState::waiting()` and `oldest()` of each lane.
        lane_states: Arc::new(OnceLock::new()),
        stops: Stops::default(),
        workers: TaskTracker::new(),
        feeders: TaskTracker::new(),
        settings,
    };
    let routes = (service.build)(&context).await?;
    let running = serve(&context, routes).await?;
    tracing::info!(
        service = service.name,
        grpc = %running.grpc,
        admin = %running.admin,
        policy = context.pack.label(),
        prefix = context.settings.nats.prefix,
        secrets = if context.settings.nats.url.expose_secret().contains('@') { "given" } else { "none" },
        "serving"
    );
    Ok(running)
}

async fn serve(context: &Context, routes: Routes) -> anyhow::Result<Running> {
    let stopping = Arc::new(AtomicBool::new(false));
    let (relay, calls) = (TaskTracker::new(), TaskTracker::new());
    relay.spawn(
        Relay {
            service: context.service,
            prefix: context.settings.nats.prefix.clone(),
            options: context.options.clone(),
            client: context.nats.clone(),
            jetstream: nats::jetstream(&context.nats),
            wake: Arc::clone(&context.wake),
            progress: Arc::clone(&context.progress),
            stop: context.stops.relay.clone(),
        }
        .run(),
    );

    let probes = Probes {
        service: context.service,
        reads: context.reads.clone(),
        nats: context.nats.clone(),
        stopping: Arc::clone(&stopping),
    };
    let listener = TcpListener::bind(context.settings.admin.listen).await.context("cannot listen on the admin port")?;
    let admin = listener.local_addr()?;
    let stop_admin = context.stops.feeders.clone();
    let server = axum::serve(listener, admin::routes(probes));
    context.feeders.spawn(async move {
        // A scrape that keeps its connection open must not hold the shutdown up.
        let stopped = stop_admin.cancelled_owned();
        tokio::select! { _ = server.into_future() => {}, () = stopped => {} }
    });

    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status("", tonic_health::ServingStatus::Serving).await;
    health.set_service_status(service_name(context.service), tonic_health::ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let operations = Operations { pool: context.reads.clone(), redrive: Arc::clone(&context.redrive) };
    let housekeeping = housekeeping::run(context.service, operations.clone(), context.stops.feeders.clone());
    context.feeders.spawn(housekeeping);
    let operations = OperationsServiceServer::new(operations).max_decoding_message_size(proto::REQUEST_BYTES_MAX);
    let routes = routes.add_service(health_service).add_service(reflection).add_service(operations);

    let listener = TcpListener::bind(context.settings.grpc.listen).await.context("cannot listen on the gRPC port")?;
    let grpc = listener.local_addr()?;
    let stop = context.stops.calls.clone();
    let server = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .max_connection_age(Duration::from_secs(300))
        .layer(Edge(context.service))
        .add_routes(routes)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stop.cancelled_owned());
    let name = context.service;
    calls.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(service = name, %error, "the gRPC server ended");
        }
    });
    Ok(Running {
        service: context.service,
        grpc,
        admin,
        stops: context.stops.clone(),
        stopping,
        health,
        feeders: context.feeders.clone(),
        calls,
        workers: context.workers.clone(),
        relay,
        limit: context.settings.shutdown.unsigned_abs(),
        pool: context.reads.clone(),
        nats: context.nats.clone(),
    })
}

/// Full name of a service for health checks.
fn service_name(service: &str) -> String {
    let mut letters = service.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).unwrap_or_default();
    format!("redress.{service}.v1.{first}{}Service", letters.as_str())
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
        self.stopping.store(true, Ordering::Relaxed);
        self.health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        self.health.set_service_status(service_name(self.service), tonic_health::ServingStatus::NotServing).await;
        self.stops.feeders.cancel();
        self.stops.calls.cancel();
        self.calls.close();
        // Calls under way end; a half-open connection may hold the server up, so this is not waited for long.
        let _ = tokio::time::timeout(Duration::from_secs(3), self.calls.wait()).await;
        self.stops.lanes.cancel();
        self.workers.close();
        self.workers.wait().await;
        self.feeders.close();
        self.feeders.wait().await;
        self.stops.relay.cancel();
        self.relay.close();
        self.relay.wait().await;
        // Acknowledgements are still in the client's buffer.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.nats.flush()).await;
        self.pool.close().await;
        tracing::info!(service = self.service, "stopped");
    }
}
