//! What the tests say and hear.

use chassis::Outgoing;
use prost::Message;
use proto::claim::{Job, LiabilityParty, Notice, Severity};
use proto::logistics::logistics_command::Kind as Asked;
use proto::logistics::logistics_event::Kind as Told;
use proto::logistics::logistics_service_client::LogisticsServiceClient;
use proto::logistics::*;
use proto::{Subject, ids};
use testkit::{TestService, request_id};
use tonic::Status;
use uuid::Uuid;

pub fn claim() -> Uuid {
    ids::parse(&request_id()).unwrap()
}

pub fn job(claim: Uuid) -> Job {
    Job { claim_id: claim.to_string(), round: 1, line: 1, attempt: 1 }
}

pub fn command(claim: Uuid, name: &str, kind: Asked) -> Outgoing {
    Outgoing::command(
        "logistics",
        name,
        claim,
        &LogisticsCommand { job: Some(job(claim)), kind: Some(kind), policy_version: 0 },
    )
}

pub fn ship(claim: Uuid) -> Outgoing {
    let ask =
        Ship { sku: "LAMP".to_owned(), quantity: 2, country: "GB".to_owned(), severity: Severity::General.into() };
    command(claim, "ship", Asked::Ship(ask))
}

pub fn collect(claim: Uuid) -> Outgoing {
    let payer = LiabilityParty::CompanyProduction.into();
    let ask = Collect { sku: "LAMP".to_owned(), quantity: 2, country: "DE".to_owned(), freight_payer: payer };
    command(claim, "collect", Asked::Collect(ask))
}

/// More than anybody takes to that country.
pub fn ship_too_much(claim: Uuid) -> Outgoing {
    let ask = Ship {
        sku: "LAMP".to_owned(),
        quantity: 1_000_000,
        country: "FR".to_owned(),
        severity: Severity::Urgent.into(),
    };
    command(claim, "ship", Asked::Ship(ask))
}

pub fn cancel_collection(claim: Uuid) -> Outgoing {
    command(claim, "cancel_collection", Asked::CancelCollection(CancelCollection {}))
}

/// What departments were told, in order.
pub async fn notices(service: &TestService) -> Vec<Notice> {
    all_notices(service).await.into_iter().filter(|notice| notice.audience != "carrier").collect()
}

/// What carriers were told, in order.
pub async fn carriers(service: &TestService) -> Vec<Notice> {
    all_notices(service).await.into_iter().filter(|notice| notice.audience == "carrier").collect()
}

async fn all_notices(service: &TestService) -> Vec<Notice> {
    let events = service.events().await.into_iter();
    let ours = events.filter(|(subject, _)| matches!(subject, Subject::Notice { .. }));
    ours.map(|(_, payload)| serde_json::from_slice(&payload).unwrap()).collect()
}

pub fn cancel(claim: Uuid) -> Outgoing {
    command(claim, "cancel_shipment", Asked::CancelShipment(CancelShipment {}))
}

/// The facts that the orchestrator was told, in order.
pub async fn facts(service: &TestService) -> Vec<Told> {
    let events = service.events().await.into_iter();
    let ours = events.filter(|(subject, _)| matches!(subject, Subject::Event { .. }));
    ours.map(|(_, payload)| LogisticsEvent::decode(payload.as_slice()).unwrap().kind.unwrap()).collect()
}

pub fn names(facts: &[Told]) -> Vec<&'static str> {
    facts.iter().map(Told::name).collect()
}

/// Tells and waits until it is processed.
pub async fn told(service: &TestService, message: Outgoing) {
    let id = service.tell(message).await;
    service.settled(id).await;
}

pub fn client(service: &TestService) -> LogisticsServiceClient<testkit::Wire> {
    LogisticsServiceClient::new(service.channel())
}

/// The waybill number of the only parcel of a claim.
pub async fn waybill(service: &TestService, claim: Uuid) -> String {
    let ask = ListShipmentsRequest { claim_id: claim.to_string(), ..ListShipmentsRequest::default() };
    let listed = client(service).list_shipments(ask).await.unwrap().into_inner().shipments;
    assert_eq!(listed.len(), 1);
    listed[0].tracking_no.clone()
}

pub async fn report(
    service: &TestService,
    tracking_no: &str,
    id: &str,
    state: ShipmentState,
) -> Result<ReportTrackingResponse, Status> {
    report_at(service, tracking_no, id, 0, state).await
}

/// Reports what a carrier saw at a second of its clock.
pub async fn report_at(
    service: &TestService,
    tracking_no: &str,
    id: &str,
    second: i64,
    state: ShipmentState,
) -> Result<ReportTrackingResponse, Status> {
    report_event(service, tracking_no, event(id, second, state)).await
}

/// What a carrier saw at a second of its clock.
pub fn event(id: &str, second: i64, state: ShipmentState) -> TrackingEvent {
    TrackingEvent {
        carrier_event_id: id.to_owned(),
        state: state.into(),
        occurred_at: Some(proto::to_wire(jiff::Timestamp::from_second(second).unwrap())),
        detail: "HUB".to_owned(),
        ..TrackingEvent::default()
    }
}

pub async fn report_event(
    service: &TestService,
    tracking_no: &str,
    event: TrackingEvent,
) -> Result<ReportTrackingResponse, Status> {
    let ask =
        ReportTrackingRequest { request_id: request_id(), tracking_no: tracking_no.to_owned(), event: Some(event) };
    client(service).report_tracking(ask).await.map(tonic::Response::into_inner)
}
