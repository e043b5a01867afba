//! Who cannot make progress says so, and why; who has too much refuses early.
#![expect(clippy::disallowed_methods, reason = "a test plays somebody who holds rows, and many callers")]

use chassis::settings::Own;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::topology::{row, stream_name};
use chassis::{Building, Context, Service};
use testkit::{TestService, details, request_id};
use tonic::Code;

use crate::stand::{grow, readiness, reason, until_ready};
use crate::toy::{self, grow as grow_by_message};

static BREAKS: AtomicBool = AtomicBool::new(false);

/// The toy, with a sweep that panics when it is told to.
static FRAGILE: Service = Service {
    name: "inventory",
    migrations: &toy::MIGRATIONS,
    grants: toy::GRANTS,
    own: Own::NONE,
    long: &[],
    build: build_fragile,
};

fn build_fragile(ctx: &Context) -> Building<'_> {
    Box::pin(async move {
        let lanes = ctx.lanes(toy::Toy { tells: true });
        ctx.sweep("cracks", Duration::from_millis(100), &lanes, |_, _| async {
            assert!(!BREAKS.load(Ordering::Relaxed), "this is asked for");
            Ok(Vec::new())
        });
        Ok(toy::routes(ctx, lanes))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_dies_ends_the_service_in_order() {
    let service = testkit::start(&FRAGILE).await;
    let home = service.home.clone();
    let (ready, told) = readiness(service.admin()).await;
    assert!(ready, "{told}");
    let other = tokio::spawn(chassis::run(&FRAGILE, home.settings()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!other.is_finished());
    BREAKS.store(true, Ordering::Relaxed);
    let told = until_ready(service.admin(), false).await;
    assert_eq!(reason(&told, "tasks"), "the sweep of cracks panicked");
    let ended = tokio::time::timeout(Duration::from_secs(20), other).await.unwrap().unwrap().unwrap_err();
    assert!(ended.to_string().contains("the sweep of cracks panicked"), "{ended:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_are_refused_with_a_hint() {
    let mut home = testkit::Home::new(&toy::SERVICE).await;
    home.variables.push(("GRPC__CALLS".to_owned(), "4".to_owned()));
    let service = TestService::at(home, chassis::Clock::default()).await;
    grow(&service.channel(), &request_id(), "a").await.unwrap();
    let mut holder = service.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM pile FOR UPDATE").execute(&mut *holder).await.unwrap();
    let channel = service.channel();
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { grow(&channel, &request_id(), "a").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (ready, told) = readiness(service.admin()).await;
    assert!(ready, "to be busy is not to be unready: {told}");
    holder.rollback().await.unwrap();
    let answers: Vec<_> = futures::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), 8, "{answers:?}");
    for status in refused {
        assert_eq!((status.code(), testkit::reason(status).as_str()), (Code::ResourceExhausted, "BUSY"));
        assert!(details(status).retry_info().is_some());
    }
    grow(&channel, &request_id(), "a").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_was_provisioned_is_named() {
    let service = testkit::start(&toy::SERVICE).await;
    let (ready, told) = readiness(service.admin()).await;
    assert!(ready, "{told}");
    let prefix = service.home.prefix.clone();
    let provision = || async {
        let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
        chassis::provision(&client, &service.home.prefix, 50).await.unwrap();
    };
    let mut drifted = row("inventory").unwrap().config(&prefix);
    drifted.max_ack_pending = 7;
    let stream = stream_name(&prefix, "COMMANDS");
    service.jetstream().create_consumer_on_stream(drifted, &stream).await.unwrap();
    let told = until_ready(service.admin(), false).await;
    assert!(reason(&told, "topology").contains("max_ack_pending is 7"), "{told}");
    provision().await;
    until_ready(service.admin(), true).await;
    service.jetstream().delete_stream(stream_name(&prefix, "EVENTS")).await.unwrap();
    let told = until_ready(service.admin(), false).await;
    assert!(reason(&told, "topology").contains("is not there: run `provision`"), "{told}");
    provision().await;
    until_ready(service.admin(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_stuck_makes_unready() {
    let service = testkit::start(&toy::SERVICE).await;
    grow(&service.channel(), &request_id(), "a").await.unwrap();
    let mut holder = service.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM pile FOR UPDATE").execute(&mut *holder).await.unwrap();
    let told = service.tell(grow_by_message("a", 1)).await;
    let why = until_ready(service.admin(), false).await;
    assert!(reason(&why, "lanes").contains("a command has waited"), "{why}");
    holder.rollback().await.unwrap();
    until_ready(service.admin(), true).await;
    service.settled(told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_stuck_makes_unready() {
    let service = testkit::start(&toy::SERVICE).await;
    // Somebody holds the horizon: what is committed cannot be published.
    let mut holder = service.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()::text").execute(&mut *holder).await.unwrap();
    grow(&service.channel(), &request_id(), "a").await.unwrap();
    let why = until_ready(service.admin(), false).await;
    assert!(reason(&why, "relay").contains("to be published"), "{why}");
    holder.rollback().await.unwrap();
    until_ready(service.admin(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_health_says_what_the_probe_says() {
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
    let service = testkit::start(&toy::SERVICE).await;
    let health = |name: &'static str| {
        let mut client = HealthClient::new(service.channel());
        async move { client.check(HealthCheckRequest { service: name.to_owned() }).await.unwrap().into_inner().status() }
    };
    for name in ["", "redress.inventory.v1.InventoryService"] {
        assert_eq!(health(name).await, ServingStatus::Serving);
    }
    service.jetstream().delete_stream(stream_name(&service.home.prefix, "EVENTS")).await.unwrap();
    until_ready(service.admin(), false).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(health("").await, ServingStatus::NotServing);
}
