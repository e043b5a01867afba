//! What the tests say to triage and hear from it.

use chassis::Outgoing;
use prost::Message;
use proto::claim::{Category, Money, ReportedLine, Resolution};
use proto::triage::triage_command::Kind;
use proto::triage::triage_event::Kind as Answer;
use proto::triage::triage_service_client::TriageServiceClient;
use proto::triage::{
    AssessClaim, AssessReason, CancelAssessment, ListWorkItemsRequest, OrderLine, RecordOrdersRequest, TriageCommand,
    TriageEvent, WorkItem,
};
use proto::{ClaimId, Subject, ids};
use testkit::TestService;
use uuid::Uuid;

/// A triage service with one order of `C1`: ten units of `A` for 1.00 each, on the first of June.
pub async fn triage() -> (TestService, TriageServiceClient<testkit::Wire>) {
    let service = testkit::start(&triage::SERVICE).await;
    let mut client = TriageServiceClient::new(service.channel());
    let lines = vec![sold("O1", "A", 100)];
    client.record_orders(RecordOrdersRequest { request_id: testkit::request_id(), lines }).await.unwrap();
    (service, client)
}

pub fn sold(order_no: &str, sku: &str, price: i64) -> OrderLine {
    OrderLine {
        order_no: order_no.to_owned(),
        sku: sku.to_owned(),
        customer_ref: "C1".to_owned(),
        quantity: 10,
        unit_price: Some(Money { minor_units: price, currency: "GBP".to_owned() }),
        purchased_on: "2026-06-01".to_owned(),
        delivered_on: "2026-06-03".to_owned(),
        ..OrderLine::default()
    }
}

pub fn claim(number: u8) -> ClaimId {
    ClaimId(ids::v7(jiff::Timestamp::UNIX_EPOCH, [number; 10]))
}

/// A claim of two units of `A`, without order number, received on the 20th of June.
pub fn ask(assessment: u32, reason: AssessReason) -> AssessClaim {
    AssessClaim {
        assessment,
        plan_number: assessment,
        reason: reason.into(),
        claim_number: "RD-2026-000001".to_owned(),
        customer_ref: "C1".to_owned(),
        country: "GB".to_owned(),
        lines: vec![ReportedLine {
            line: 1,
            sku: "A".to_owned(),
            quantity: 2,
            category: Category::ReturnRequest.into(),
            wish: Resolution::ReturnRefund.into(),
            ..ReportedLine::default()
        }],
        importance: 1,
        received_at: Some(proto::to_wire("2026-06-20T10:00:00Z".parse().unwrap())),
        order_unknown_lines: Vec::new(),
        address_known: Some(true),
        ..AssessClaim::default()
    }
}

pub fn assess(claim: ClaimId, ask: AssessClaim) -> Outgoing {
    let command = TriageCommand { claim_id: claim.to_string(), kind: Some(Kind::AssessClaim(ask)) };
    Outgoing::command("triage", "assess_claim", claim.0, &command)
}

pub fn cancel(claim: ClaimId, assessment: u32) -> Outgoing {
    let kind = Kind::CancelAssessment(CancelAssessment { assessment });
    let command = TriageCommand { claim_id: claim.to_string(), kind: Some(kind) };
    Outgoing::command("triage", "cancel_assessment", claim.0, &command)
}

/// Tells triage and waits until it has taken it in.
pub async fn tell(service: &TestService, message: Outgoing) -> Uuid {
    let id = service.tell(message).await;
    service.settled(id).await;
    id
}

/// Every answer so far, in order.
pub async fn answers(service: &TestService) -> Vec<Answer> {
    let events = service.events().await;
    let ours =
        events.iter().filter(|(subject, _)| matches!(subject, Subject::Event { service, .. } if service == "triage"));
    ours.map(|(subject, payload)| {
        let kind = TriageEvent::decode(payload.as_slice()).unwrap().kind.unwrap();
        let name = match &kind {
            Answer::ClaimJudged(_) => "claim_judged",
            Answer::ClaimRefused(_) => "claim_refused",
            Answer::PersonNeeded(_) => "person_needed",
            Answer::AnswerNeeded(_) => "answer_needed",
        };
        assert_eq!(subject.name(), name);
        kind
    })
    .collect()
}

pub async fn work_items(client: &mut TriageServiceClient<testkit::Wire>) -> Vec<WorkItem> {
    client.list_work_items(ListWorkItemsRequest::default()).await.unwrap().into_inner().work_items
}
