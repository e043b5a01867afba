//! A database that was restored from an older copy while the stream went on (F23): the service stands still and says why.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::time::Duration;

use chassis::topology::{STREAMS, stream_name};
use chassis::{Clock, Running, Settings};
use proto::Subject;
use sqlx::postgres::PgPoolOptions;
use testkit::eventually;
use tonic::Code;
use uuid::Uuid;

use crate::relay_home::{Own, PREFIX, variables};
use crate::stand::{channel, grow, readiness, reason, until_ready};
use crate::toy;

const SOON: Duration = Duration::from_secs(20);

/// Runs SQL beside the database of the service, to which nobody is connected meanwhile.
async fn beside(own: &mut Own, statements: &[&'static str]) {
    own.stop().await;
    own.pool.close().await;
    let admin = PgPoolOptions::new().connect(&own.servers.postgres_url("postgres")).await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&admin).await.unwrap();
    }
    admin.close().await;
    own.pool = PgPoolOptions::new().max_connections(3).connect(&own.servers.postgres_url("own")).await.unwrap();
}

/// A service on a copy of its database that knows ten events of the twenty that were published.
async fn restored() -> Own {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(10).await;
    own.all_published(SOON).await;
    beside(&mut own, &["CREATE DATABASE older TEMPLATE own"]).await;
    own.start().await;
    own.journal(10).await;
    own.all_published(SOON).await;
    beside(&mut own, &["ALTER DATABASE own RENAME TO newer", "ALTER DATABASE older RENAME TO own"]).await;
    own.start().await;
    own
}

async fn replica(own: &Own) -> Running {
    let settings =
        Settings::from(&toy::SERVICE, None, Some(variables(&own.servers, &own.secrets).into_iter().collect()));
    chassis::start(&toy::SERVICE, settings.unwrap(), Clock::default()).await.unwrap()
}

/// Sends a command as the orchestrator does; gives its event id.
async fn command(own: &Own) -> Uuid {
    let (event_id, grow) = (Uuid::now_v7(), toy::grow("a", 1));
    let jetstream = own.jetstream().await;
    testkit::publish(&jetstream, PREFIX, event_id, grow.subject(), grow.aggregate(), grow.payload()).await;
    event_id
}

async fn is_processed(own: &Own, event_id: Uuid) -> bool {
    let query = "SELECT EXISTS (SELECT FROM inbox WHERE id = $1)";
    sqlx::query_scalar(query).bind(event_id).fetch_one(&own.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_older_database_nothing_is_published_consumed_or_accepted() {
    let mut own = restored().await;
    let first = own.running.as_ref().unwrap();
    let second = replica(&own).await;
    for running in [first, &second] {
        let told = until_ready(running.admin(), false).await;
        assert!(reason(&told, "relay").contains("older than what was published"), "{told}");
        let request = grow(&channel(&own.secrets, running).await, &testkit::request_id(), "a").await;
        assert_eq!(request.unwrap_err().code(), Code::Unavailable);
    }
    // As if a transaction had been under way.
    own.journal(5).await;
    let event_id = command(&own).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(own.stream("EVENTS").await.len(), 20, "nothing was published");
    assert!(!is_processed(&own, event_id).await, "nothing was consumed");
    assert!(!readiness(second.admin()).await.0);
    second.stop().await.unwrap();

    beside(&mut own, &["ALTER DATABASE own RENAME TO older", "ALTER DATABASE newer RENAME TO own"]).await;
    own.start().await;
    let running = own.running.as_ref().unwrap();
    until_ready(running.admin(), true).await;
    grow(&channel(&own.secrets, running).await, &testkit::request_id(), "a").await.unwrap();
    eventually(|| async { is_processed(&own, event_id).await.then_some(()) }).await;
    own.all_published(SOON).await;
    assert_eq!(own.stream("EVENTS").await.len(), 22, "twenty, and those of the call and the command");
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_streams_a_restored_database_is_the_newest_that_is_known() {
    let mut own = restored().await;
    until_ready(own.running.as_ref().unwrap().admin(), false).await;
    own.stop().await;
    // What `redress rebuild --accept-restored-databases` does while all are stopped.
    let jetstream = own.jetstream().await;
    for stream in STREAMS {
        jetstream.delete_stream(stream_name(PREFIX, stream.name)).await.unwrap();
    }
    own.provision(50).await;
    own.start().await;
    until_ready(own.running.as_ref().unwrap().admin(), true).await;
    own.all_published(SOON).await;
    assert_eq!(own.stream("EVENTS").await.len(), 10);
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_relay_has_sent_stops_nobody() {
    let mut own = Own::new(50).await;
    own.journal(3).await;
    let subject = Subject::Event { service: "inventory".to_owned(), name: "late".to_owned() };
    testkit::publish(&own.jetstream().await, PREFIX, Uuid::now_v7(), &subject, Uuid::now_v7(), b"").await;
    own.start().await;
    own.all_published(SOON).await;
    until_ready(own.running.as_ref().unwrap().admin(), true).await;
    own.stop().await;
}
