//! The ports of a service, and the tasks that belong to none of its domain: relay, monitor, housekeeping.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use proto::operations::operations_service_server::OperationsServiceServer;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;

use super::{Running, health_names};
use crate::admin::{self, Probes};
use crate::audit::Sealer;
use crate::feed::Feed;
use crate::grpc::Edge;
use crate::monitor::{Monitor, Parts, PolicyWatch};
use crate::nats::SelfTest;
use crate::operations::Operations;
use crate::port::Incoming;
use crate::progress::Past;
use crate::readiness::Readiness;
use crate::relay::Relay;
use crate::{Context, housekeeping, nats, topology};

/// Longest wait for the look at the past.
const PAST_LIMIT: Duration = Duration::from_secs(2);
/// Bytes of headers that are taken.
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// Calls that a client has opened and taken back before anybody looked at them: whoever has more is cut off.
const RESETS_MAX: usize = 64;
/// Calls that a client has broken by what it sent.
const BREACHES_MAX: usize = 256;
/// Bytes of requests that are taken before somebody reads them: of a call, of a connection.
const WINDOWS: (u32, u32) = (256 * 1024, 2 * 1024 * 1024);

pub(super) async fn serve(context: &Context, routes: Routes, readiness: Readiness) -> anyhow::Result<Running> {
    let relay = TaskTracker::new();
    relay.spawn(context.supervisor.watch("the relay".to_owned(), relay_of(context).run()));
    write_feed(context);
    let sealer = sealer_of(context);
    let operations = Operations {
        service: context.service,
        pool: context.reads.clone(),
        redrive: Arc::clone(&context.redrive),
        sources: Arc::clone(&sealer.sources),
        differs: context.differs.get().copied(),
        stamp: context.books.stamp.clone(),
        clock: context.clock.clone(),
    };
    // With the relay: what is journalled until the lanes have stopped is sealed.
    relay.spawn(context.supervisor.watch("the sealer".to_owned(), sealer.run()));
    let housekeeping = housekeeping::run(context.service, operations.clone(), context.stops.feeders.clone());
    context.feeders.spawn(context.supervisor.watch("housekeeping".to_owned(), housekeeping));

    let prefix = &context.settings.nats.prefix;
    let self_test = SelfTest::new(context.service, prefix, context.nats.clone(), Arc::clone(&context.refusals));
    tokio::join!(look_at_past(context), async {
        if nats::is_connected(&context.nats) {
            self_test.round().await;
        }
    });
    let self_test = self_test.run(context.stops.feeders.clone());
    context.feeders.spawn(context.supervisor.watch("the self-test of permissions".to_owned(), self_test));

    context.task("the password of the database", context.home.clone().follow(context.reads.clone()));
    context.task("the keys of the issuer", context.gate.keeper().refresh());

    let (health, health_service) = tonic_health::server::health_reporter();
    let mut monitor = Monitor::new(Parts {
        service: context.service,
        names: health_names(context.service),
        prefix: context.settings.nats.prefix.clone(),
        policy: PolicyWatch::new(Arc::clone(&context.packs), context.in_use.get().copied()),
        pool: context.reads.clone(),
        nats: context.nats.clone(),
        refusals: Arc::clone(&context.refusals),
        progress: Arc::clone(&context.progress),
        lanes: context.lane_states.get().cloned().unwrap_or_default(),
        sweeps: context.sweeps.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        own: context.own_parts.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        readiness: readiness.clone(),
        health: health.clone(),
    });
    // Who asks at once gets an answer.
    monitor.look().await;
    let watched = context.supervisor.watch("the monitor".to_owned(), monitor.run(context.stops.feeders.clone()));
    context.feeders.spawn(watched);

    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let operations = OperationsServiceServer::new(operations).max_decoding_message_size(proto::REQUEST_BYTES_MAX);
    let mut routes = routes.add_service(health_service).add_service(operations);
    if context.settings.grpc.reflection {
        routes = routes.add_service(reflection);
    }
    let admin = admin_port(context, readiness).await?;
    let (grpc, calls) = grpc_port(context, routes).await?;
    Ok(Running {
        service: context.service,
        grpc,
        admin,
        stops: context.stops.clone(),
        supervisor: context.supervisor.clone(),
        health,
        feeders: context.feeders.clone(),
        calls,
        workers: context.workers.clone(),
        relay,
        limit: context.settings.shutdown.unsigned_abs(),
        linger: context.settings.linger.unsigned_abs(),
        pool: context.reads.clone(),
        nats: context.nats.clone(),
    })
}

/// No call is taken on a database that the relay finds to be older than the streams. That takes milliseconds; a broker
/// that is away is not waited for.
async fn look_at_past(context: &Context) {
    let looked = context.progress.past(|past| *past != Past::Unknown);
    if nats::is_connected(&context.nats) && tokio::time::timeout(PAST_LIMIT, looked).await.is_err() {
        tracing::warn!(service = context.service, "it is not clear yet whether the database is older than the streams");
    }
}

fn sealer_of(context: &Context) -> Sealer {
    Sealer {
        service: context.service,
        pool: context.reads.clone(),
        sources: context.audited.lock().unwrap_or_else(PoisonError::into_inner).as_slice().into(),
        books: context.books.clone(),
        settings: context.settings.audit.clone(),
        clock: context.clock.clone(),
        stop: context.stops.relay.clone(),
    }
}

fn relay_of(context: &Context) -> Relay {
    Relay {
        service: context.service,
        prefix: context.settings.nats.prefix.clone(),
        home: context.home.clone(),
        client: context.nats.clone(),
        jetstream: nats::jetstream(&context.nats),
        wake: Arc::clone(&context.wake),
        handed: Arc::clone(&context.handed),
        pace: Arc::clone(&context.pace),
        progress: Arc::clone(&context.progress),
        stop: context.stops.relay.clone(),
        gather: context.settings.lanes.gather.unsigned_abs(),
        batch_max: context.settings.nats.batch_max,
    }
}

/// Starts to write the feed, if that is this service's part and if it is wanted.
fn write_feed(context: &Context) {
    let writes = topology::row(context.service).is_some_and(|row| row.publishes.contains(&topology::FEED));
    if !writes || !context.settings.nats.feed {
        return;
    }
    let feed = Feed {
        service: context.service,
        prefix: context.settings.nats.prefix.clone(),
        client: context.nats.clone(),
        jetstream: nats::jetstream(&context.nats),
        progress: Arc::clone(&context.progress),
    };
    context.task("the feed", feed.run());
}

async fn admin_port(context: &Context, readiness: Readiness) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(context.settings.admin.listen).await.context("cannot listen on the admin port")?;
    let address = listener.local_addr()?;
    let routes = admin::routes(Probes { service: context.service, readiness });
    let stop = context.stops.feeders.clone();
    let serving = async move {
        // A scrape that goes on must not hold the shutdown up.
        tokio::select! { () = admin::serve(listener, routes) => {}, () = stop.cancelled() => {} }
    };
    context.feeders.spawn(context.supervisor.watch("the admin port".to_owned(), serving));
    Ok(address)
}

async fn grpc_port(context: &Context, routes: Routes) -> anyhow::Result<(SocketAddr, TaskTracker)> {
    let listener = TcpListener::bind(context.settings.grpc.listen).await.context("cannot listen on the gRPC port")?;
    let address = listener.local_addr()?;
    if let Some(tls) = &context.tls {
        context.task("the certificates of the gRPC port", Arc::clone(tls).follow(context.service));
    }
    let calls = context.settings.grpc.calls;
    // One connection may hold more streams than calls may run: what is too much is to be refused, not to wait for a
    // stream on the side of the caller until its time is up.
    let streams = u32::try_from(calls.saturating_mul(2)).unwrap_or(u32::MAX);
    let server = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(BREACHES_MAX))
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_concurrent_streams(streams)
        // Calls under way end first. With a grace, tonic 0.14.9 cuts them off instead, without a word to the client.
        .max_connection_age(Duration::from_secs(300))
        .layer(Edge::new((context.service, context.long), calls, context.gate.rules().clone()))
        .layer(context.gate.clone())
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            Incoming::new(listener, &context.settings.grpc, context.tls.clone()),
            context.stops.calls.clone().cancelled_owned(),
        );
    let service = context.service;
    let serving = async move {
        if let Err(error) = server.await {
            tracing::error!(service, %error, "the gRPC server ended");
        }
    };
    let tracker = TaskTracker::new();
    tracker.spawn(context.supervisor.watch("the gRPC server".to_owned(), serving));
    Ok((address, tracker))
}
