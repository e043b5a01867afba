//! Batches that lock nothing: what a lane remembers is only a guess, and nobody who writes beside it is overwritten.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::collections::BTreeSet;

use futures::future::join_all;
use proto::inventory::AdjustStockRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use testkit::{TestService, eventually, reason, request_id};
use tonic::Status;
use uuid::Uuid;

use crate::toy::{self, grow, pile};

/// Adds to the pile; gives its size.
async fn add(service: &TestService, request_id: String, delta: i64) -> Result<u64, Status> {
    let request = AdjustStockRequest { request_id, sku: "a".to_owned(), delta, ..AdjustStockRequest::default() };
    let answer = InventoryServiceClient::new(service.channel()).adjust_stock(request).await?;
    Ok(answer.into_inner().on_hand)
}

async fn count(service: &TestService, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(service.pool()).await.unwrap()
}

async fn heard(service: &TestService, number: i64) {
    let query = "SELECT COALESCE(max(number), 0)::bigint FROM inbox_sequence";
    eventually(|| async { (count(service, query).await >= number).then_some(()) }).await;
}

/// Each answer is another size: nobody has added to what somebody else had added to already.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_remember_the_same_row_lose_nothing() {
    let service = testkit::start(&toy::SERVICE).await;
    let other = TestService::at(service.home.clone(), service.clock.clone()).await;
    let calls = (0..100).map(|at| add(if at % 2 == 0 { &service } else { &other }, request_id(), 1));
    let sizes: BTreeSet<u64> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sizes, (1..=100).collect());
    let numbers = "SELECT count(DISTINCT number) FROM journal WHERE number BETWEEN 1 AND 100";
    assert_eq!(count(&service, numbers).await, 100, "what is told is numbered without gaps");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_and_not_so_any_more_is_read() {
    let service = testkit::start(&toy::SERVICE).await;
    assert_eq!(add(&service, request_id(), 5).await.unwrap(), 5);
    sqlx::query("UPDATE pile SET size = 70").execute(service.pool()).await.unwrap();
    assert_eq!(add(&service, request_id(), 5).await.unwrap(), 75);
    sqlx::query("DELETE FROM pile").execute(service.pool()).await.unwrap();
    assert_eq!(add(&service, request_id(), 5).await.unwrap(), 5);
    // Nor is anything refused because of what is only remembered.
    sqlx::query("UPDATE pile SET size = 80").execute(service.pool()).await.unwrap();
    assert_eq!(reason(&add(&service, request_id(), 13).await.unwrap_err()), "OUT_OF_STOCK");
    assert_eq!(add(&service, request_id(), 1).await.unwrap(), 81);
}

/// A call is not asked for before it is decided: a second effect would break on the answer that is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_another_replica_has_answered_gets_that_answer() {
    let service = testkit::start(&toy::SERVICE).await;
    let other = TestService::at(service.home.clone(), service.clock.clone()).await;
    let (id, refused) = (request_id(), request_id());
    assert_eq!(add(&service, id.clone(), 5).await.unwrap(), 5);
    assert_eq!(reason(&add(&service, refused.clone(), 13).await.unwrap_err()), "OUT_OF_STOCK");
    assert_eq!(add(&other, id.clone(), 5).await.unwrap(), 5);
    assert_eq!(reason(&add(&other, refused, 13).await.unwrap_err()), "OUT_OF_STOCK");
    assert_eq!(reason(&add(&other, id, 6).await.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(count(&service, "SELECT size FROM pile").await, 5);
}

/// The number that is remembered is not the last one any more, or was never written down: both are found out.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_remembered_are_checked() {
    let service = testkit::start(&toy::SERVICE).await;
    let sent: Vec<Uuid> = (0..6).map(|_| Uuid::now_v7()).collect();
    service.tell_numbered(sent[0], 1, &grow("a", 1)).await;
    heard(&service, 1).await;
    // Another replica has processed two more; this one is told of them again, and of the next.
    sqlx::query("UPDATE inbox_sequence SET number = 3, event_id = $1")
        .bind(sent[2])
        .execute(service.pool())
        .await
        .unwrap();
    for number in 2..=5 {
        service.tell_numbered(sent[number - 1], u32::try_from(number).unwrap(), &grow("a", 1)).await;
    }
    heard(&service, 5).await;
    assert_eq!(count(&service, "SELECT size FROM pile").await, 3, "numbers 1, 4 and 5");
    // A first message that is not the first.
    let foreign = "INSERT INTO inbox_sequence SELECT $1, sender, 1, $2 FROM inbox_sequence LIMIT 1";
    sqlx::query(foreign).bind(pile("b")).bind(sent[5]).execute(service.pool()).await.unwrap();
    service.tell_numbered(sent[5], 1, &grow("b", 1)).await;
    service.tell_numbered(Uuid::now_v7(), 2, &grow("b", 10)).await;
    let size = || async { count(&service, "SELECT COALESCE(sum(size), 0)::bigint FROM pile WHERE name = 'b'").await };
    eventually(|| async { (size().await > 0).then_some(()) }).await;
    assert_eq!(size().await, 10);
}

/// With locks only, as beside a release that knows nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn without_guards_the_same_is_done_under_locks() {
    let home = testkit::Home::new(&toy::SERVICE).await;
    let mut settings = home.settings();
    settings.lanes.optimistic = false;
    let running = chassis::start(&toy::SERVICE, settings, chassis::Clock::default()).await.unwrap();
    let service = TestService::at(home.clone(), chassis::Clock::default()).await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", running.grpc())).unwrap();
    let locking = testkit::Bearer::new(testkit::secrets()).on(channel.connect().await.unwrap());
    let id = request_id();
    let mut sizes = BTreeSet::new();
    for _ in 0..10 {
        sizes.insert(add(&service, request_id(), 1).await.unwrap());
        let request = AdjustStockRequest {
            request_id: request_id(),
            sku: "a".to_owned(),
            delta: 1,
            ..AdjustStockRequest::default()
        };
        let answer = InventoryServiceClient::new(locking.clone()).adjust_stock(request).await.unwrap();
        sizes.insert(answer.into_inner().on_hand);
    }
    assert_eq!(sizes, (1..=20).collect());
    assert_eq!(add(&service, id.clone(), 1).await.unwrap(), add(&service, id, 1).await.unwrap());
    running.stop().await.unwrap();
}
