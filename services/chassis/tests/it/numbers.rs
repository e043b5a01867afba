//! Numbered messages: processed in their order and once, whatever replicas, redelivery and repetition make of it.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use chassis::Outgoing;
use futures::future::join_all;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{DiscardParkedRequest, ListParkedRequest, RedriveParkedRequest};
use sqlx::Row;
use testkit::{TestService, eventually, reason, request_id};
use uuid::Uuid;

use crate::toy::{self, grow, pile};

/// Waits until a number was processed.
async fn heard(service: &TestService, aggregate: Uuid, number: i32) {
    eventually(|| async {
        let query = "SELECT number FROM inbox_sequence WHERE aggregate = $1";
        let found: Option<i32> = sqlx::query_scalar(query).bind(aggregate).fetch_optional(service.pool()).await.ok()?;
        found.filter(|found| *found >= number)
    })
    .await;
}

/// Event ids of the messages that had an effect on a pile, in the order of their effects.
async fn effects(service: &TestService, name: &str) -> Vec<Uuid> {
    let query = "SELECT cause FROM journal WHERE aggregate = $1 ORDER BY seq";
    let rows = sqlx::query(query).bind(pile(name)).fetch_all(service.pool()).await.unwrap();
    rows.iter().map(|row| row.get("cause")).collect()
}

async fn parked(service: &TestService) -> Vec<(i64, String)> {
    let mut client = OperationsServiceClient::new(service.channel());
    let listed = client.list_parked(ListParkedRequest::default()).await.unwrap().into_inner().parked;
    listed.into_iter().map(|row| (row.parked_id, row.reason)).collect()
}

fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::now_v7()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_in_another_order_are_processed_in_theirs() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent = ids(6);
    for at in [3, 1, 5, 0, 4, 2] {
        service.tell_numbered(sent[at], u32::try_from(at + 1).unwrap(), &grow("a", 1)).await;
    }
    heard(&service, pile("a"), 6).await;
    assert_eq!(effects(&service, "a").await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_message_is_known_for_ever_without_a_row_of_its_own() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent = ids(3);
    for _ in 0..3 {
        for (id, number) in sent.iter().zip(1..) {
            service.tell_numbered(*id, number, &grow("a", 1)).await;
        }
    }
    service.tell_numbered(Uuid::now_v7(), 4, &grow("a", 1)).await;
    heard(&service, pile("a"), 4).await;
    assert_eq!(effects(&service, "a").await.len(), 4);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox").fetch_one(service.pool()).await.unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_keep_the_order_of_every_aggregate() {
    let service = testkit::start(&toy::SERVICE).await;
    let other = TestService::at(service.home.clone(), service.clock.clone()).await;
    let piles = ["a", "b", "c", "d", "e"];
    let sent = ids(60);
    let tell = |name: &'static str| {
        let (service, sent) = (&service, &sent);
        async move {
            for (id, number) in sent.iter().zip(1..) {
                // The same id for five piles: an id is known together with its aggregate.
                service.tell_numbered(*id, number, &grow(name, 1)).await;
            }
        }
    };
    join_all(piles.map(tell)).await;
    for name in piles {
        heard(&service, pile(name), 60).await;
        assert_eq!(effects(&service, name).await, sent, "pile {name}");
    }
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_tells_is_numbered_without_gaps_in_the_order_of_commit() {
    let service = testkit::start(&toy::SERVICE).await;
    let other = TestService::at(service.home.clone(), service.clock.clone()).await;
    let last = join_all((0..40).map(|at| service.tell(grow(["a", "b"][at % 2], 1)))).await;
    join_all(last.into_iter().map(|id| service.settled(id))).await;
    for name in ["a", "b"] {
        let query = "SELECT number FROM journal WHERE aggregate = $1 ORDER BY seq";
        let numbers: Vec<Option<i32>> =
            sqlx::query_scalar(query).bind(pile(name)).fetch_all(service.pool()).await.unwrap();
        assert_eq!(numbers, (1..=20).map(Some).collect::<Vec<_>>(), "pile {name}");
    }
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_parked_message_the_order_is_kept_and_it_is_given_up_before_them() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent = ids(4);
    let tell = async |number: usize, message: Outgoing| {
        service.tell_numbered(sent[number - 1], u32::try_from(number).unwrap(), &message).await;
    };
    tell(1, grow("a", 500)).await;
    service.settled(sent[0]).await;
    tell(3, grow("a", 1)).await;
    service.settled(sent[2]).await;
    tell(2, grow("a", 1)).await;
    service.settled(sent[1]).await;
    let rows = parked(&service).await;
    let reasons: Vec<_> = rows.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["BROKEN", "BEHIND_PARKED", "BEHIND_PARKED"]);

    let mut client = OperationsServiceClient::new(service.channel());
    let discard = |parked_id| DiscardParkedRequest { request_id: request_id(), parked_id };
    let refused = client.discard_parked(discard(rows[1].0)).await.unwrap_err();
    assert_eq!(reason(&refused), "BEHIND_PARKED");
    let answer = client.discard_parked(discard(rows[0].0)).await.unwrap().into_inner();
    assert_eq!(answer.processed, 2);
    tell(4, grow("a", 1)).await;
    heard(&service, pile("a"), 4).await;
    assert_eq!(effects(&service, "a").await, sent[1..], "in the order of the numbers, not of parking");
    assert!(parked(&service).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_message_under_a_number_that_was_processed_is_parked() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent = ids(2);
    service.tell_numbered(sent[0], 1, &grow("a", 1)).await;
    heard(&service, pile("a"), 1).await;
    service.tell_numbered(sent[1], 1, &grow("a", 1)).await;
    service.settled(sent[1]).await;
    let rows = parked(&service).await;
    assert_eq!(rows[0].1, "BROKEN");
    // An operator who knows better gives it up; the next number goes on.
    let mut client = OperationsServiceClient::new(service.channel());
    let redrive = RedriveParkedRequest { request_id: request_id(), aggregate_id: pile("a").to_string() };
    assert_eq!(client.redrive_parked(redrive).await.unwrap().into_inner().still_parked, 1);
    let discard = DiscardParkedRequest { request_id: request_id(), parked_id: rows[0].0 };
    client.discard_parked(discard).await.unwrap();
    service.tell_numbered(Uuid::now_v7(), 2, &grow("a", 1)).await;
    heard(&service, pile("a"), 2).await;
    assert_eq!(effects(&service, "a").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_hands_over_at_once() {
    let mut service = testkit::start(&toy::SERVICE).await;
    let told = service.tell(grow("a", 1)).await;
    service.settled(told).await;
    let other = TestService::at(service.home.clone(), service.clock.clone()).await;
    service.stop().await;
    let begun = std::time::Instant::now();
    let told = other.tell(grow("a", 1)).await;
    other.settled(told).await;
    let waited = begun.elapsed();
    assert!(waited < chassis::topology::TAKE_OVER, "it waited {waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_the_first_release_is_brought_up_to_date() {
    use async_nats::jetstream::consumer::{PriorityPolicy, pull};
    use chassis::topology::{row, stream_name};
    let mut service = testkit::start(&toy::SERVICE).await;
    service.stop().await;
    let row = row("inventory").unwrap();
    let stream = service.jetstream().get_stream(stream_name(&service.home.prefix, row.stream)).await.unwrap();
    stream.delete_consumer("inventory-main").await.unwrap();
    let now = row.config(&service.home.prefix);
    let before = pull::Config {
        priority_policy: PriorityPolicy::None,
        priority_groups: Vec::new(),
        priority_timeout: Default::default(),
        ..now
    };
    stream.create_consumer(before).await.unwrap();
    let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
    chassis::provision(&client, &service.home.prefix, 50).await.unwrap();
    let service = TestService::at(service.home.clone(), service.clock.clone()).await;
    let told = service.tell(grow("a", 1)).await;
    service.settled(told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn housekeeping_forgets_old_answers_and_frees_orphans() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent = ids(2);
    service.tell_numbered(sent[0], 1, &grow("a", 500)).await;
    service.settled(sent[0]).await;
    service.tell_numbered(sent[1], 2, &grow("a", 1)).await;
    service.settled(sent[1]).await;
    // As if another replica had given the first one up while this one parked the second behind it.
    let orphan = "WITH gone AS (DELETE FROM parked WHERE reason = 'BROKEN' RETURNING aggregate, sender, number, event_id) \
                  INSERT INTO inbox_sequence (aggregate, sender, number, event_id) SELECT * FROM gone";
    sqlx::query(orphan).execute(service.pool()).await.unwrap();
    let old = "INSERT INTO inbox (source, id, at) SELECT 'old', gen_random_uuid(), now() - interval '31 days' \
               FROM generate_series(1, 2500)";
    sqlx::query(old).execute(service.pool()).await.unwrap();
    heard(&service, pile("a"), 2).await;
    assert_eq!(effects(&service, "a").await, sent[1..]);
    eventually(|| async {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox").fetch_one(service.pool()).await.ok()?;
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_the_broker_lost_is_taken_up_again() {
    let service = testkit::start(&toy::SERVICE).await;
    let told = service.tell(grow("a", 1)).await;
    service.settled(told).await;
    let stream = chassis::topology::stream_name(&service.home.prefix, "COMMANDS");
    let stream = service.jetstream().get_stream(stream).await.unwrap();
    stream.delete_consumer("inventory-main").await.unwrap();
    let told = service.tell(grow("a", 1)).await;
    let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
    chassis::provision(&client, &service.home.prefix, 50).await.unwrap();
    service.settled(told).await;
    assert_eq!(effects(&service, "a").await.len(), 2, "what was processed before has no second effect");
}
