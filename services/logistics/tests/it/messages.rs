//! Commands of the orchestrator: answered, repeated, reordered.

use proto::Subject;
use proto::logistics::ShipmentState;
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;

use crate::talk::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_has_one_parcel_and_the_same_answer() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    let id = service.tell(ship(claim)).await;
    service.settled(id).await;
    service.tell_as(id, ship(claim)).await;
    told(&service, ship(claim)).await;
    let facts = facts(&service).await;
    assert_eq!(
        names(&facts),
        ["booked", "booked"],
        "the repeated message is silent, the repeated question is answered"
    );
    assert_eq!(facts[0], facts[1]);
    waybill(&service, claim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_first_is_never_booked() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, cancel(claim)).await;
    told(&service, ship(claim)).await;
    told(&service, cancel(claim)).await;
    assert_eq!(names(&facts(&service).await), ["cancelled", "cancelled", "cancelled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_off_is_refused_once_the_parcel_is_under_way() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (one, other) = (claim(), claim());
    told(&service, ship(one)).await;
    told(&service, cancel(one)).await;
    told(&service, ship(other)).await;
    let waybill = waybill(&service, other).await;
    report(&service, &waybill, "e1", ShipmentState::InTransit).await.unwrap();
    told(&service, cancel(other)).await;
    let facts = facts(&service).await;
    assert_eq!(names(&facts), ["booked", "cancelled", "booked", "handed_over", "cancel_refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_is_answered_with_how_far_the_parcel_is() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, collect(claim)).await;
    let waybill = waybill(&service, claim).await;
    report(&service, &waybill, "e1", ShipmentState::Delivered).await.unwrap();
    told(&service, collect(claim)).await;
    let facts = facts(&service).await;
    assert_eq!(names(&facts), ["booked", "handed_over", "delivered", "booked", "handed_over", "delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_parked() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    let subject = Subject::Command { service: "logistics".to_owned(), name: "ship".to_owned() };
    let id = service.tell_bytes(&subject, claim, cancel(claim).payload()).await;
    service.settled(id).await;
    let mut operations = OperationsServiceClient::new(service.channel());
    let parked = operations.list_parked(ListParkedRequest::default()).await.unwrap().into_inner().parked;
    assert_eq!(parked[0].reason, "UNDECODABLE");
    assert_eq!(facts(&service).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let service = testkit::start(&logistics::SERVICE).await;
    service.prepare_all(logistics::store::STATEMENTS).await;
}
