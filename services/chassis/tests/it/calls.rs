//! Calls through a lane.

use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::inventory::{AdjustStockRequest, AdjustStockResponse};
use testkit::{TestService, actor, bad_fields, details, reason, request_id};
use tonic::{Code, Status};

use crate::toy;

fn request(pile: &str, delta: i64) -> AdjustStockRequest {
    AdjustStockRequest { request_id: request_id(), sku: pile.to_owned(), delta, ..AdjustStockRequest::default() }
}

async fn adjust(service: &TestService, request: AdjustStockRequest) -> Result<AdjustStockResponse, Status> {
    let mut client = InventoryServiceClient::new(service.channel());
    client.adjust_stock(request).await.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_has_one_effect_and_one_answer() {
    let service = testkit::start(&toy::SERVICE).await;
    let once = request("a", 2);
    let (first, second) = tokio::join!(adjust(&service, once.clone()), adjust(&service, once.clone()));
    assert_eq!(first.unwrap().on_hand, 2);
    assert_eq!(second.unwrap().on_hand, 2);
    adjust(&service, request("a", 5)).await.unwrap();
    assert_eq!(adjust(&service, once.clone()).await.unwrap().on_hand, 2, "the answer of the first time");

    let other = adjust(&service, AdjustStockRequest { delta: 3, ..once }).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(adjust(&service, request("a", 1)).await.unwrap().on_hand, 8);
}

/// Who knows the id of another's request uses nothing up, with the same request or another, at once or later.
#[tokio::test(flavor = "multi_thread")]
async fn sr32_ids_of_requests_are_each_callers_own() {
    let service = testkit::start(&toy::SERVICE).await;
    let by = async |who: &str, request: &AdjustStockRequest| {
        let request = actor(request.clone(), who, &["warehouse"]);
        InventoryServiceClient::new(service.channel()).adjust_stock(request).await.map(tonic::Response::into_inner)
    };
    let first = request("a", 2);
    let (anna, bert) = tokio::join!(by("anna", &first), by("bert", &first));
    assert_eq!([anna.unwrap().on_hand, bert.unwrap().on_hand].into_iter().max(), Some(4));
    let other = AdjustStockRequest { delta: 3, ..first.clone() };
    assert_eq!(by("carl", &other).await.unwrap().on_hand, 7);
    // Each has one effect, and one answer for ever.
    assert_eq!(by("carl", &other).await.unwrap().on_hand, 7);
    for who in ["anna", "bert"] {
        assert!(by(who, &first).await.unwrap().on_hand <= 4);
        assert_eq!(reason(&by(who, &other).await.unwrap_err()), "REQUEST_ID_REUSED", "{who}");
    }
    assert_eq!(reason(&by("carl", &first).await.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(by("dora", &request("a", 1)).await.unwrap().on_hand, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_answer_that_is_given_again() {
    let service = testkit::start(&toy::SERVICE).await;
    let asked = request("a", 13);
    for _ in 0..2 {
        let refused = adjust(&service, asked.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let info = details(&refused).error_info().cloned().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("OUT_OF_STOCK", "redress.inventory"));
        assert_eq!(info.metadata["pile"], "a");
        assert!(details(&refused).precondition_failure().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_names_every_field_and_leaves_no_trace() {
    let service = testkit::start(&toy::SERVICE).await;
    let bad =
        AdjustStockRequest { request_id: "x".to_owned(), sku: "a b\0".to_owned(), ..AdjustStockRequest::default() };
    let refused = adjust(&service, bad).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "MALFORMED"));
    assert_eq!(bad_fields(&refused), ["request_id", "sku", "delta"]);
    let rows: i64 = sqlx::query_scalar("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM pile)")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_command_does_not_fail_its_neighbours() {
    let service = testkit::start(&toy::SERVICE).await;
    let deltas = (0..60).map(|at| {
        if at % 20 == 7 {
            666
        } else if at % 20 == 11 {
            404
        } else {
            1
        }
    });
    let calls = deltas.map(|delta| adjust(&service, request("a", delta)));
    let answers = futures::future::join_all(calls).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (54, 6));
    assert!(bad.into_iter().all(|answer| reason(&answer.unwrap_err()) == "COMMAND_FAILED"));
    assert_eq!(adjust(&service, request("a", 1)).await.unwrap().on_hand, 55);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_share_few_commits() {
    let service = testkit::start(&toy::SERVICE).await;
    let calls = (0..400).map(|at| adjust(&service, request(&format!("p{}", at % 7), 1)));
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    let commits: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT tx) FROM journal").fetch_one(service.pool()).await.unwrap();
    assert!(commits < 200, "{commits} commits for 400 calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_refuses_with_a_hint() {
    let mut home = testkit::Home::new(&toy::SERVICE).await;
    home.variables = [("LANES__COUNT", "1"), ("LANES__QUEUE", "1"), ("LANES__BATCH_MAX", "1")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
    let service = TestService::at(home, chassis::Clock::default()).await;
    let calls = (0..60).map(|_| adjust(&service, request("a", 1)));
    let answers = futures::future::join_all(calls).await;
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(!refused.is_empty(), "one place in the queue was enough for all");
    for status in &refused {
        assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "BUSY"));
        assert!(details(status).retry_info().is_some());
    }
    let done = u64::try_from(answers.len() - refused.len()).unwrap();
    assert_eq!(adjust(&service, request("a", 1)).await.unwrap().on_hand, done + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_limit_of_a_request_is_exact() {
    use prost::Message;
    let service = testkit::start(&toy::SERVICE).await;
    let mut sized = request("a", 1);
    sized.reason = "x".repeat(proto::REQUEST_BYTES_MAX);
    let excess = sized.encoded_len() - proto::REQUEST_BYTES_MAX;
    sized.reason.truncate(proto::REQUEST_BYTES_MAX - excess);
    assert_eq!(sized.encoded_len(), proto::REQUEST_BYTES_MAX);
    let over = AdjustStockRequest { reason: format!("{}x", sized.reason), ..request("a", 1) };
    adjust(&service, sized).await.unwrap();
    let refused = adjust(&service, over).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::OutOfRange, "TOO_LARGE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn even_the_frameworks_refusals_have_a_reason() {
    use proto::intake::GetClaimRequest;
    use proto::intake::intake_service_client::IntakeServiceClient;
    let service = testkit::start(&toy::SERVICE).await;
    let mut elsewhere = IntakeServiceClient::new(service.channel());
    let refused = elsewhere.get_claim(GetClaimRequest::default()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unimplemented, "UNKNOWN_METHOD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_is_up_is_told_with_advice_and_the_effect_is_there_once() {
    let service = testkit::start(&toy::SERVICE).await;
    adjust(&service, request("a", 1)).await.unwrap();
    // Somebody holds the pile: the lane waits, the caller does not.
    #[expect(clippy::disallowed_methods, reason = "a test plays somebody who holds a row")]
    let mut holder = service.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM pile FOR UPDATE").execute(&mut *holder).await.unwrap();
    let asked = request("a", 5);
    let mut late = tonic::Request::new(asked.clone());
    late.set_timeout(std::time::Duration::from_millis(300));
    let refused = InventoryServiceClient::new(service.channel()).adjust_stock(late).await.unwrap_err();
    assert!(matches!(refused.code(), Code::DeadlineExceeded | Code::Cancelled), "{refused:?}");
    holder.rollback().await.unwrap();
    assert_eq!(adjust(&service, asked).await.unwrap().on_hand, 6, "the same request gets the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_health_and_metrics_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let service = testkit::start(&toy::SERVICE).await;
    adjust(&service, request("a", 1)).await.unwrap();
    for (page, expected) in [
        ("/livez", "ok"),
        ("/readyz", "\"ready\":true"),
        ("/version", "inventory"),
        ("/metrics", "rpc_server_call_duration_seconds_count"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(service.admin()).await.unwrap();
        let ask = format!("GET {page} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(" 200 ") && answer.contains(expected), "{page}: {answer}");
    }
}
