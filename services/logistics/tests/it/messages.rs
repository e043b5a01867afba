//! Commands of the orchestrator: answered, repeated, reordered.

use proto::Subject;
use proto::logistics::logistics_event::Kind as Told;
use proto::logistics::{Direction, ListShipmentsRequest, ShipmentState};
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
async fn a_place_nobody_serves_is_told_until_it_is_called_off() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    for message in [ship_too_much(claim), ship_too_much(claim), cancel(claim), ship_too_much(claim)] {
        told(&service, message).await;
    }
    let facts = facts(&service).await;
    assert_eq!(names(&facts), ["booking_failed", "booking_failed", "cancelled", "cancelled"]);
    let Told::BookingFailed(failed) = &facts[0] else { panic!("{facts:?}") };
    assert_eq!(failed.reason, "NO_CARRIER");
    let listed = client(&service).list_shipments(ListShipmentsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.shipments, [], "what was never booked is not shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_parcel_can_still_be_called_off() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    assert!(report(&service, &waybill, "a", ShipmentState::Packed).await.unwrap().changed);
    told(&service, cancel(claim)).await;
    told(&service, cancel(claim)).await;
    told(&service, ship(claim)).await;
    assert_eq!(names(&facts(&service).await), ["booked", "cancelled", "cancelled", "cancelled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_of_a_job_are_two_parcels() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    told(&service, collect(claim)).await;
    told(&service, cancel_collection(claim)).await;
    assert_eq!(names(&facts(&service).await), ["booked", "booked", "cancelled"]);
    let ask = ListShipmentsRequest { claim_id: claim.to_string(), ..ListShipmentsRequest::default() };
    let listed = client(&service).list_shipments(ask).await.unwrap().into_inner().shipments;
    let states: Vec<_> = listed.iter().map(|shipment| (shipment.direction(), shipment.state())).collect();
    assert_eq!(states, [(Direction::Outbound, ShipmentState::Booked), (Direction::Return, ShipmentState::Cancelled)]);
    assert_ne!(listed[0].tracking_no, listed[1].tracking_no);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_survives_a_restart() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    let service = service.restart().await;
    assert!(report(&service, &waybill, "a", ShipmentState::HandedOver).await.unwrap().changed);
    told(&service, ship(claim)).await;
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "booked", "handed_over"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let service = testkit::start(&logistics::SERVICE).await;
    service.prepare_all(&logistics::store::STATEMENTS).await;
    service.needs_all(&logistics::store::GRANTS, &logistics::store::STATEMENTS).await;
}
