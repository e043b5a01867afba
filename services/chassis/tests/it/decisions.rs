//! S27: what people have done is sealed, also if nobody is told of it by a message.

use chassis::Clock;
use chassis::audit::Kind;
use proto::inventory::AdjustStockRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{DiscardParkedRequest, RedriveParkedRequest, RepublishRequest};
use sqlx::{AssertSqlSafe, Executor};
use testkit::{Home, TestService, actor, eventually, reason, request_id, verify_audit};
use uuid::Uuid;

use crate::toy::{self, grow};

async fn start() -> TestService {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables = vec![("AUDIT__EVERY".to_owned(), "100ms".to_owned())];
    TestService::at(home, Clock::default()).await
}

/// A count of which nobody is told.
async fn count(service: &TestService, id: &str, subject: &str) -> tonic::Status {
    let (request_id, sku) = (id.to_owned(), "a".to_owned());
    let request = AdjustStockRequest { request_id, sku, delta: 777, ..AdjustStockRequest::default() };
    let request = actor(request, subject, &["warehouse"]);
    let answer = InventoryServiceClient::new(service.channel()).adjust_stock(request).await;
    answer.map_or_else(|status| status, |_| tonic::Status::ok(""))
}

async fn decisions(service: &TestService) -> Vec<(String, Uuid, Uuid, String)> {
    let all = "SELECT method, request_id, about, actor FROM decision ORDER BY decision_id";
    sqlx::query_as(all).fetch_all(service.pool()).await.unwrap()
}

async fn verify(service: &TestService) -> Result<u64, Kind> {
    let verified = verify_audit("inventory", service.channel(), testkit::secrets(), &service.home.checkpoints()).await;
    verified.map(|summary| if summary.waiting == 0 { summary.signed } else { 0 }).map_err(|finding| finding.kind)
}

async fn signed(service: &TestService, links: u64) {
    eventually(async || (verify(service).await == Ok(links)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_what_nobody_is_told_of_is_sealed_too() {
    let service = start().await;
    let id = request_id();
    for _ in 0..2 {
        assert_eq!(count(&service, &id, "anna").await.code(), tonic::Code::Ok);
    }
    let all = decisions(&service).await;
    assert_eq!(all.len(), 1, "once: {all:?}");
    let (method, request, about, who) = &all[0];
    assert_eq!((method.as_str(), who.as_str()), ("AdjustStock", "anna"));
    assert_eq!((request.to_string(), about.is_nil()), (id, false));
    signed(&service, 1).await;

    let tamper = async |sql: &str| {
        let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
        service.pool().execute(AssertSqlSafe(sql)).await.unwrap();
    };
    assert!(service.pool().execute("UPDATE decision SET actor = 'bert'").await.is_err(), "append-only");
    tamper("UPDATE decision SET actor = 'bert'").await;
    assert_eq!(verify(&service).await, Err(Kind::RowChanged));
    tamper("UPDATE decision SET actor = 'anna', fingerprint = sha256('x')").await;
    assert_eq!(verify(&service).await, Err(Kind::RowChanged));
    tamper("DELETE FROM decision").await;
    assert_eq!(verify(&service).await, Err(Kind::RowMissing));
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_what_operators_do_is_sealed() {
    let service = start().await;
    let mut client = OperationsServiceClient::new(service.channel());
    // What finds nothing to do leaves nothing.
    let aggregate_id = toy::pile("a").to_string();
    let redrive = |aggregate_id: &str| {
        actor(
            RedriveParkedRequest { request_id: request_id(), aggregate_id: aggregate_id.to_owned() },
            "otto",
            &["operator"],
        )
    };
    assert_eq!(reason(&client.redrive_parked(redrive(&aggregate_id)).await.unwrap_err()), "NOT_FOUND");
    assert_eq!(decisions(&service).await, []);

    let told = service.tell(grow("a", 500)).await;
    service.settled(told).await;
    client.redrive_parked(redrive(&aggregate_id)).await.unwrap();
    let parked_id: i64 = sqlx::query_scalar("SELECT parked_id FROM parked").fetch_one(service.pool()).await.unwrap();
    let discard = DiscardParkedRequest { request_id: request_id(), parked_id };
    client.discard_parked(actor(discard, "otto", &["operator"])).await.unwrap();
    let republish = RepublishRequest { request_id: request_id(), since: None };
    client.republish(actor(republish, "otto", &["operator"])).await.unwrap();
    let did: Vec<(String, bool)> = decisions(&service)
        .await
        .into_iter()
        .map(|(method, _, about, who)| (method, who == "otto" && about == toy::pile("a")))
        .collect();
    let did: Vec<(&str, bool)> = did.iter().map(|(method, ours)| (method.as_str(), *ours)).collect();
    assert_eq!(did, [("RedriveParked", true), ("DiscardParked", true), ("Republish", false)]);
    signed(&service, 3).await;
}
