//! The relay: nothing is skipped, nothing is out of order, and a crash at any point loses nothing.
#![expect(clippy::disallowed_methods, reason = "a test plays a writer of its own")]

use std::collections::HashSet;
use std::time::Duration;

use chassis::topology::{consumer_name, stream_name};
use testkit::{TestService, eventually};

use crate::toy::{self, grow};

/// Event ids on the stream of events, in order.
async fn published(service: &TestService) -> Vec<String> {
    let name = stream_name(&service.home.prefix, "EVENTS");
    let mut stream = service.jetstream().get_stream(&name).await.unwrap();
    testkit::all_told(&mut stream).await.into_iter().map(|(event_id, ..)| event_id).collect()
}

async fn journalled(service: &TestService) -> Vec<String> {
    let ids = sqlx::query_scalar("SELECT event_id::text FROM journal ORDER BY seq").fetch_all(service.pool()).await;
    ids.unwrap()
}

async fn all_published(service: &TestService) {
    eventually(|| async {
        let published: HashSet<_> = published(service).await.into_iter().collect();
        journalled(service).await.iter().all(|id| published.contains(id)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let service = testkit::start(&toy::SERVICE).await;
    // The second is published when our lanes hand over already: what was there until then goes out whatever the horizon is.
    for _ in 0..2 {
        let told = service.tell(grow("first", 1)).await;
        service.settled(told).await;
        all_published(&service).await;
    }
    let first = published(&service).await.len();
    let insert = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) \
                  VALUES (gen_random_uuid(), gen_random_uuid(), 'event.inventory.late', '', 'test', gen_random_uuid(), now())";
    let mut late = service.pool().begin().await.unwrap();
    sqlx::query(insert).execute(&mut *late).await.unwrap();
    for _ in 0..5 {
        sqlx::query(insert).execute(service.pool()).await.unwrap();
    }
    for _ in 0..3 {
        let told = service.tell(grow("a", 1)).await;
        service.settled(told).await;
    }
    // What our own lanes have committed waits for nobody.
    let of_lane = "SELECT event_id::text FROM journal WHERE aggregate = $1 ORDER BY seq";
    let of_lane = sqlx::query_scalar(of_lane).bind(toy::pile("a")).fetch_all(service.pool());
    let of_lane: Vec<String> = of_lane.await.unwrap();
    let told = async || (published(&service).await.iter().filter(|id| of_lane.contains(id)).count() == 3).then_some(());
    eventually(told).await;
    assert!(published(&service).await[first..].iter().all(|id| of_lane.contains(id)), "the horizon is held back");
    late.commit().await.unwrap();
    all_published(&service).await;
    let published = published(&service).await;
    let all = journalled(&service).await;
    assert_eq!(published.len(), all.len(), "each once");
    let in_order = |wanted: fn(&[String], &String) -> bool| {
        let pick = |ids: &[String]| ids.iter().filter(|id| wanted(&of_lane, id)).cloned().collect::<Vec<_>>();
        assert_eq!(pick(&published), pick(&all));
    };
    in_order(|of_lane, id| of_lane.contains(id));
    in_order(|of_lane, id| !of_lane.contains(id));
}

/// Somebody holds the horizon back all the time: the cursor cannot follow, and the messages go out in order.
#[tokio::test(flavor = "multi_thread")]
async fn what_lanes_commit_is_published_while_the_cursor_cannot_follow() {
    let service = testkit::start(&toy::SERVICE).await;
    let told = service.tell(grow("a", 1)).await;
    service.settled(told).await;
    all_published(&service).await;
    let mut held = service.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()::text").execute(&mut *held).await.unwrap();
    let cursor = "SELECT from_tx FROM relay";
    let cursor = async || sqlx::query_scalar::<_, i64>(cursor).fetch_one(service.pool()).await.unwrap();
    let mut told = Vec::new();
    for at in 0..300 {
        told.push(service.tell(grow(if at % 3 == 0 { "b" } else { "a" }, 1)).await);
    }
    for told in told {
        service.settled(told).await;
    }
    all_published(&service).await;
    let before = cursor().await;
    held.rollback().await.unwrap();
    eventually(async || (cursor().await > before).then_some(())).await;
    // A relay that comes after it finds nothing to do.
    let service = service.restart().await;
    let told = service.tell(grow("a", 1)).await;
    service.settled(told).await;
    all_published(&service).await;
    let (published, all) = (published(&service).await, journalled(&service).await);
    assert_eq!(published.len(), all.len(), "each once");
    for pile in ["a", "b"] {
        let ids = "SELECT event_id::text FROM journal WHERE aggregate = $1 ORDER BY seq";
        let ids: Vec<String> = sqlx::query_scalar(ids).bind(toy::pile(pile)).fetch_all(service.pool()).await.unwrap();
        let told: Vec<&String> = published.iter().filter(|id| ids.contains(id)).collect();
        assert_eq!(told, ids.iter().collect::<Vec<_>>(), "in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_transactions_on_one_aggregate_keep_their_order_whatever_their_ids() {
    let service = testkit::start(&toy::SERVICE).await;
    let insert = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) \
                  VALUES (gen_random_uuid(), $1, 'event.inventory.late', '', 'test', gen_random_uuid(), now())";
    let aggregate = toy::pile("a");
    let draw = "SELECT pg_current_xact_id()::text";
    // The second writer draws its id first, and somebody else holds the horizon between the two.
    let mut second = service.pool().begin().await.unwrap();
    sqlx::query(draw).execute(&mut *second).await.unwrap();
    let mut between = service.pool().begin().await.unwrap();
    sqlx::query(draw).execute(&mut *between).await.unwrap();
    sqlx::query(insert).bind(aggregate).execute(service.pool()).await.unwrap();
    sqlx::query(insert).bind(aggregate).execute(&mut *second).await.unwrap();
    second.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    between.rollback().await.unwrap();
    all_published(&service).await;
    assert_eq!(published(&service).await, journalled(&service).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rolled_back_numbers_hold_nobody_up() {
    let service = testkit::start(&toy::SERVICE).await;
    for _ in 0..40 {
        let mut lost = service.pool().begin().await.unwrap();
        sqlx::query("SELECT nextval('journal_seq_seq')").execute(&mut *lost).await.unwrap();
        lost.rollback().await.unwrap();
        let told = service.tell(grow("a", 1)).await;
        service.settled(told).await;
    }
    all_published(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_publish_and_cursor_the_same_messages_come_again() {
    let mut service = testkit::start(&toy::SERVICE).await;
    for _ in 0..3 {
        let told = service.tell(grow("a", 1)).await;
        service.settled(told).await;
    }
    all_published(&service).await;
    service.stop().await;
    // As if the process had died after the acks and before the cursor moved.
    sqlx::query("UPDATE relay SET from_tx = 0, to_tx = 0, seq = 0").execute(service.pool()).await.unwrap();
    let service = TestService::at(service.home.clone(), service.clock.clone()).await;
    let told = service.tell(grow("a", 1)).await;
    service.settled(told).await;
    all_published(&service).await;
    let distinct: HashSet<_> = published(&service).await.into_iter().collect();
    assert_eq!(distinct.len(), 4, "the same ids, and the broker knows them");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_commit_and_ack_the_inbox_knows_the_message() {
    let mut service = testkit::start(&toy::SERVICE).await;
    let told = service.tell(grow("a", 5)).await;
    service.settled(told).await;
    service.stop().await;
    // The broker forgets every acknowledgement: as if the process had died before each of them.
    let stream = stream_name(&service.home.prefix, "COMMANDS");
    let stream = service.jetstream().get_stream(&stream).await.unwrap();
    stream.delete_consumer(&consumer_name("inventory")).await.unwrap();
    let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
    chassis::provision(&client, &service.home.prefix, 50).await.unwrap();
    let service = TestService::at(service.home.clone(), service.clock.clone()).await;
    let after = service.tell(grow("a", 1)).await;
    service.settled(after).await;
    let size: i64 = sqlx::query_scalar("SELECT size FROM pile").fetch_one(service.pool()).await.unwrap();
    assert_eq!(size, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_journalled_while_the_service_stops_is_published() {
    let mut service = testkit::start(&toy::SERVICE).await;
    let mut last = None;
    for at in 0..200 {
        last = Some(service.tell(grow(&format!("p{at}"), 1)).await);
    }
    service.settled(last.unwrap()).await;
    service.stop().await;
    all_published(&service).await;
}
