//! S31: one noisy caller is told to wait, and the others do not notice.
#![expect(clippy::disallowed_methods, reason = "a test plays many callers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use proto::inventory::AdjustStockRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use testkit::{Bearer, Home, TestService, Wire, actor, customer, details, reason, request_id};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::toy;

async fn start(variables: &[(&str, &str)]) -> TestService {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    TestService::at(home, chassis::Clock::default()).await
}

/// A connection of one's own.
async fn connect(service: &TestService) -> Wire {
    let channel = Channel::from_shared(format!("http://{}", service.grpc())).unwrap();
    Bearer::new(testkit::secrets()).on(channel.connect().await.unwrap())
}

fn grow(pile: &str) -> AdjustStockRequest {
    AdjustStockRequest { request_id: request_id(), sku: pile.to_owned(), delta: 1, ..AdjustStockRequest::default() }
}

async fn ask(channel: &Wire, who: &str) -> Result<Duration, Status> {
    let begun = Instant::now();
    let request = actor(grow(who), who, &["warehouse"]);
    InventoryServiceClient::new(channel.clone()).adjust_stock(request).await?;
    Ok(begun.elapsed())
}

fn is_limited(status: &Status) -> bool {
    let wait = details(status).retry_info().and_then(|info| info.retry_delay);
    let told = (status.code(), reason(status).as_str()) == (Code::ResourceExhausted, "RATE_LIMITED");
    told && wait.is_some_and(|wait| wait > Duration::ZERO && wait < Duration::from_secs(2))
}

/// How long calls at a steady pace take, in order of length.
async fn pace(channel: &Wire, who: &str, calls: u32) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..calls {
        took.push(ask(channel, who).await.unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    took.sort();
    took
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_noisy_caller_waits_and_the_others_do_not() {
    let (rate, burst) = (40, 60);
    let service = start(&[("LIMITS__PER_SECOND", "40"), ("LIMITS__BURST", "60")]).await;
    let honest = connect(&service).await;
    ask(&honest, "anna").await.unwrap();
    let quiet = pace(&honest, "anna", 100).await;

    let over = Arc::new(AtomicBool::new(false));
    let (taken, told) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let begun = Instant::now();
    let mut noise = Vec::new();
    for _ in 0..8 {
        let channel = connect(&service).await;
        let (over, taken, told) = (Arc::clone(&over), Arc::clone(&taken), Arc::clone(&told));
        noise.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                match ask(&channel, "noisy").await {
                    Ok(_) => taken.fetch_add(1, Ordering::Relaxed),
                    Err(status) if is_limited(&status) => told.fetch_add(1, Ordering::Relaxed),
                    Err(status) => panic!("{status:?}"),
                };
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
    }
    let noisy = pace(&honest, "anna", 100).await;
    over.store(true, Ordering::Relaxed);
    for one in noise {
        one.await.unwrap();
    }
    let most = burst + rate * u32::try_from(begun.elapsed().as_secs() + 1).unwrap();
    let (taken, told) = (taken.load(Ordering::Relaxed), told.load(Ordering::Relaxed));
    println!(
        "p99 of the others: {:?} quiet, {:?} in noise; {taken} taken, {told} told to wait",
        p99(&quiet),
        p99(&noisy)
    );
    assert!(taken <= most, "{taken} calls were taken of at most {most}");
    assert!(told > taken, "only {told} were told to wait");
    // A bound that a busy machine keeps; the ratio is printed.
    assert!(p99(&noisy) <= p99(&quiet) * 3 + Duration::from_millis(100), "{:?} {:?}", p99(&quiet), p99(&noisy));
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_many_forged_tokens_of_one_address_are_refused_unlogged_and_a_good_one_is_not() {
    let service = start(&[("LIMITS__STRANGER_PER_SECOND", "1"), ("LIMITS__STRANGER_BURST", "10")]).await;
    let mut codes = Vec::new();
    for number in 0..60 {
        let mut request = Request::new(grow("a"));
        let token = format!("Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImxvY2FsIn0.e30.{number:04}");
        request.metadata_mut().insert("authorization", token.parse().unwrap());
        let mut bare = InventoryServiceClient::new(service.bare_channel());
        let refused = bare.adjust_stock(request).await.unwrap_err();
        assert!(refused.code() == Code::Unauthenticated || is_limited(&refused), "{refused:?}");
        codes.push(refused.code());
    }
    let known = codes.iter().filter(|code| **code == Code::Unauthenticated).count();
    assert!((10..20).contains(&known), "{known} were looked at");
    ask(&service.channel(), "anna").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_caller_whose_calls_hang_has_so_many_and_leaves_room() {
    let service = start(&[("LIMITS__CALLS", "4")]).await;
    let channel = service.channel();
    ask(&channel, "noisy").await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test plays somebody who holds a row")]
    let mut holder = service.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM pile FOR UPDATE").execute(&mut *holder).await.unwrap();
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { ask(&channel, "noisy").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Another caller is let in: the toy has no such method, and says so.
    let request = proto::inventory::GetAvailabilityRequest::default();
    let request = actor(request, "anna", &["warehouse"]);
    let answer = InventoryServiceClient::new(channel.clone()).get_availability(request).await.unwrap_err();
    assert_eq!(answer.code(), Code::Unimplemented);
    holder.rollback().await.unwrap();
    let answers: Vec<_> = futures::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), 8, "{answers:?}");
    assert!(refused.into_iter().all(is_limited));
    ask(&channel, "noisy").await.unwrap();
}

/// Anybody can become a customer: each has less than those who work here.
#[tokio::test(flavor = "multi_thread")]
async fn s31_a_customer_has_less_than_the_staff() {
    let service = start(&[("LIMITS__CUSTOMER_PER_SECOND", "1"), ("LIMITS__CUSTOMER_BURST", "5")]).await;
    let mut client = InventoryServiceClient::new(service.channel());
    let mut let_in = 0;
    for _ in 0..30 {
        let refused = client.adjust_stock(customer(grow("a"), "eve", "C-1")).await.unwrap_err();
        // It is known who she is, and that she may not; then it is not looked at any more.
        assert!(refused.code() == Code::PermissionDenied || is_limited(&refused), "{refused:?}");
        let_in += u32::from(refused.code() == Code::PermissionDenied);
    }
    assert!((5..15).contains(&let_in), "{let_in} calls were let in");
    let other = client.adjust_stock(customer(grow("a"), "eve", "C-2")).await.unwrap_err();
    assert_eq!(other.code(), Code::PermissionDenied, "another customer has a bucket of their own");
    for _ in 0..30 {
        ask(&service.channel(), "anna").await.unwrap();
    }
}
