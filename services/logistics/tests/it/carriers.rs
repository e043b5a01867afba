//! What carriers really report, what they are told, and days that pass.

use jiff::SignedDuration;
use proto::logistics::logistics_event::Kind as Told;
use proto::logistics::*;
use testkit::{TestService, bad_fields, eventually, reason, request_id};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::talk::*;

async fn shipped(service: &TestService) -> (Uuid, String) {
    let claim = claim();
    told(service, ship(claim)).await;
    let waybill = waybill(service, claim).await;
    (claim, waybill)
}

fn why(id: &str, second: i64, state: ShipmentState, reason: TrackingReason) -> TrackingEvent {
    let held = reason == TrackingReason::HeldForCollection;
    let held_until = if held { "2030-12-07".to_owned() } else { String::new() };
    TrackingEvent { reason: reason.into(), held_until, ..event(id, second, state) }
}

async fn shipment(service: &TestService, tracking_no: &str) -> Shipment {
    let ask = GetShipmentRequest { tracking_no: tracking_no.to_owned(), ..GetShipmentRequest::default() };
    client(service).get_shipment(ask).await.unwrap().into_inner().shipment.unwrap()
}

async fn batch(service: &TestService, events: Vec<ParcelEvent>) -> Result<Vec<ParcelEventResult>, Status> {
    let ask = ReportTrackingBatchRequest { request_id: request_id(), events };
    client(service).report_tracking_batch(ask).await.map(|answer| answer.into_inner().results)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_refused_parcel_arrives_back() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (_, waybill) = shipped(&service).await;
    let events = [ShipmentState::InTransit, ShipmentState::Refused, ShipmentState::InTransit, ShipmentState::Delivered];
    let mut changed = Vec::new();
    for (second, state) in (1..).zip(events) {
        let answer = report_at(&service, &waybill, &format!("e{second}"), second, state).await.unwrap();
        changed.push(answer.changed);
    }
    assert_eq!(changed, [true, true, false, false]);
    let found = shipment(&service, &waybill).await;
    assert_eq!((found.state(), found.reason()), (ShipmentState::Refused, TrackingReason::ReturnedToSender));
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "exception"]);
    // Again under another name: the warehouse is told once.
    let again = why("e9", 9, ShipmentState::Refused, TrackingReason::ReturnedToSender);
    assert!(!report_event(&service, &waybill, again).await.unwrap().changed);
    let told = notices(&service).await;
    let told: Vec<_> = told.iter().map(|notice| (notice.audience.as_str(), notice.template.as_str())).collect();
    assert_eq!(told, [("logistics", "shipment_exception"), ("warehouse", "parcel_back")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_what_carriers_really_report_is_told_and_kept() {
    use TrackingReason as R;
    let service = testkit::start(&logistics::SERVICE).await;
    let (_, waybill) = shipped(&service).await;
    let moving = ShipmentState::InTransit;
    for (second, reason) in
        (1..).zip([R::DeliveryAttempted, R::DeliveryAttempted, R::CustomsHold, R::HeldForCollection])
    {
        let event = why(&format!("e{second}"), second, moving, reason);
        let answer = report_event(&service, &waybill, event).await.unwrap();
        assert!(answer.changed && answer.shipment.unwrap().reason() == reason);
    }
    let kept = shipment(&service, &waybill).await;
    assert_eq!((kept.held_until.as_str(), kept.events[3].held_until.as_str()), ("2030-12-07", "2030-12-07"));
    assert_eq!(kept.events[2].reason(), R::CustomsHold);
    report_event(&service, &waybill, why("e5", 5, ShipmentState::Delivered, R::DeliveredIncomplete)).await.unwrap();
    let facts = facts(&service).await;
    let expected = ["booked", "handed_over", "incident", "incident", "incident", "incident", "delivered"];
    assert_eq!(names(&facts), expected);
    let numbers =
        facts.iter().filter_map(|fact| if let Told::Incident(told) = fact { Some(told.number) } else { None });
    let numbers: Vec<u32> = numbers.collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let told: Vec<_> = notices(&service).await.iter().map(|notice| notice.parameters["reason"].clone()).collect();
    assert_eq!(told, ["CUSTOMS_HOLD", "DELIVERED_INCOMPLETE"], "what the department must do something about");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_does_not_fit_is_named() {
    let service = testkit::start(&logistics::SERVICE).await;
    let bad = TrackingEvent {
        carrier_event_id: "redress. 1".to_owned(),
        reason: TrackingReason::Overdue.into(),
        held_until: "2026-02-30".to_owned(),
        expected_on: "x".to_owned(),
        ..event("", 1, ShipmentState::Delivered)
    };
    let refused = report_event(&service, "RX1", bad).await.unwrap_err();
    let fields = bad_fields(&refused);
    let expected = [
        "event.carrier_event_id",
        "event.carrier_event_id",
        "event.reason",
        "event.held_until",
        "event.reason",
        "event.expected_on",
        "event.expected_on",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_event_by_event_and_once() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (one, first) = shipped(&service).await;
    let (_, second) = shipped(&service).await;
    let (gone, third) = shipped(&service).await;
    told(&service, cancel(gone)).await;
    let of = |number: &str, event: TrackingEvent| ParcelEvent { tracking_no: number.to_owned(), event: Some(event) };
    let events = vec![
        of(&first, event("a", 1, ShipmentState::HandedOver)),
        of("RX404", event("a", 1, ShipmentState::HandedOver)),
        of(&third, event("a", 1, ShipmentState::InTransit)),
        of(&second, event("a", 1, ShipmentState::Lost)),
        of(&first, event("a", 1, ShipmentState::HandedOver)),
        of(&first, event("b", 2, ShipmentState::Delivered)),
    ];
    let expected = [
        (true, ShipmentState::HandedOver, ""),
        (false, ShipmentState::Unspecified, "NOT_FOUND"),
        (false, ShipmentState::Unspecified, "ILLEGAL_TRANSITION"),
        (true, ShipmentState::Lost, ""),
        (false, ShipmentState::HandedOver, ""),
        (true, ShipmentState::Delivered, ""),
    ];
    let ask = ReportTrackingBatchRequest { request_id: request_id(), events: events.clone() };
    for _ in 0..2 {
        let results = client(&service).report_tracking_batch(ask.clone()).await.unwrap().into_inner().results;
        let found: Vec<_> = results.iter().map(|it| (it.changed, it.state(), it.refused.as_str())).collect();
        assert_eq!(found, expected, "a retry has the same answer");
    }
    let again = batch(&service, events).await.unwrap();
    assert!(again.iter().all(|result| !result.changed), "in another request: {again:?}");
    let facts = facts(&service).await;
    let delivered = facts.iter().filter(|fact| matches!(fact, Told::Delivered(_))).count();
    let lost = facts.iter().filter(|fact| matches!(fact, Told::Exception(_))).count();
    assert_eq!((delivered, lost), (1, 1), "of claim {one}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_batch_names_every_field_and_stores_nothing() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (_, waybill) = shipped(&service).await;
    let good = ParcelEvent { tracking_no: waybill.clone(), event: Some(event("a", 1, ShipmentState::Delivered)) };
    let bad = ParcelEvent { tracking_no: "a b".to_owned(), event: None };
    let odd = ParcelEvent { tracking_no: "RX1".to_owned(), event: Some(event("", 1, ShipmentState::Unspecified)) };
    let refused = batch(&service, vec![good.clone(), bad, odd]).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let expected =
        ["events[1].tracking_no", "events[1].event", "events[2].event.carrier_event_id", "events[2].event.state"];
    assert_eq!(bad_fields(&refused), expected);
    assert_eq!(shipment(&service, &waybill).await.state(), ShipmentState::Booked);
    assert_eq!(bad_fields(&batch(&service, Vec::new()).await.unwrap_err()), ["events"]);
    assert_eq!(bad_fields(&batch(&service, vec![good; 501]).await.unwrap_err()), ["events"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d8_carriers_are_told_what_to_bring_and_to_fetch_and_what_is_called_off() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    told(&service, ship(claim)).await;
    told(&service, collect(claim)).await;
    told(&service, cancel_collection(claim)).await;
    told(&service, cancel_collection(claim)).await;
    let told = carriers(&service).await;
    let templates: Vec<_> = told.iter().map(|notice| notice.template.as_str()).collect();
    assert_eq!(templates, ["bring", "fetch", "cancelled"], "each is told once");
    let bring = &told[0];
    let parameter = |name: &str| bring.parameters[name].as_str();
    assert_eq!((parameter("sku"), parameter("quantity"), parameter("country")), ("LAMP", "2", "GB"));
    assert_eq!((parameter("from"), parameter("to"), parameter("mode")), ("warehouse", "customer", "FREIGHT_LINE"));
    assert!(bring.customer_ref.is_empty() && bring.claim_number.is_empty());
    let shipment = shipment(&service, parameter("tracking_no")).await;
    assert_eq!((parameter("shipment_id"), parameter("promised_on")), (&*shipment.shipment_id, &*shipment.promised_on));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d8_a_parcel_is_found_by_our_number_and_by_the_carriers() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (claim, ours) = shipped(&service).await;
    let (_, other) = shipped(&service).await;
    let confirm = |tracking_no: &str, carrier: &str, day: &str| ConfirmBookingRequest {
        request_id: request_id(),
        tracking_no: tracking_no.to_owned(),
        carrier_tracking_no: carrier.to_owned(),
        promised_on: day.to_owned(),
    };
    let mut api = client(&service);
    for _ in 0..2 {
        let confirmed = api.confirm_booking(confirm(&ours, "1Z-77", "2030-01-02")).await.unwrap().into_inner();
        let shipment = confirmed.shipment.unwrap();
        assert_eq!((&*shipment.carrier_tracking_no, &*shipment.expected_on), ("1Z-77", "2030-01-02"));
        assert_eq!(shipment.tracking_no, ours);
    }
    let taken = api.confirm_booking(confirm(&other, "1Z-77", "")).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "WAYBILL_TAKEN"));
    let taken = api.confirm_booking(confirm(&other, &ours, "")).await.unwrap_err();
    assert_eq!(reason(&taken), "WAYBILL_TAKEN");
    let unknown = api.confirm_booking(confirm("RX404", "1Z-78", "")).await.unwrap_err();
    assert_eq!(reason(&unknown), "NOT_FOUND");
    let bad = api.confirm_booking(confirm("", "a b", "x")).await.unwrap_err();
    assert_eq!(bad_fields(&bad), ["tracking_no", "carrier_tracking_no", "promised_on"]);
    assert!(report(&service, "1Z-77", "a", ShipmentState::HandedOver).await.unwrap().changed);
    let service = service.restart().await;
    assert!(report(&service, &ours, "b", ShipmentState::InTransit).await.unwrap().changed);
    assert_eq!(shipment(&service, "1Z-77").await.shipment_id, shipment(&service, &ours).await.shipment_id);
    told(&service, ship(claim)).await;
    let facts = facts(&service).await;
    assert_eq!(names(&facts)[2..], ["booking_confirmed", "handed_over", "booked", "handed_over"]);
    let Told::Booked(booked) = &facts[4] else { panic!("{facts:?}") };
    assert_eq!((booked.tracking_no.as_str(), booked.promised_on.as_str()), ("1Z-77", "2030-01-02"));
}

/// Two carriers give the same number at once: one of them is told that it is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_of_one_parcel_however_many_claim_it_at_once() {
    let service = testkit::start(&logistics::SERVICE).await;
    let mut parcels = Vec::new();
    for _ in 0..6 {
        parcels.push(shipped(&service).await.1);
    }
    let confirms = parcels.iter().map(|parcel| {
        let ask = ConfirmBookingRequest {
            request_id: request_id(),
            tracking_no: parcel.clone(),
            carrier_tracking_no: "SAME".to_owned(),
            ..ConfirmBookingRequest::default()
        };
        let mut api = client(&service);
        async move { api.confirm_booking(ask).await }
    });
    let answers = futures::future::join_all(confirms).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(taken.len(), 1);
    assert!(refused.into_iter().all(|answer| reason(&answer.unwrap_err()) == "WAYBILL_TAKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d8_an_overdue_parcel_is_noticed_once_without_any_report() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (_, waybill) = shipped(&service).await;
    report(&service, &waybill, "a", ShipmentState::InTransit).await.unwrap();
    let promised = shipment(&service, &waybill).await.promised_on;
    service.clock.advance(SignedDuration::from_hours(6 * 24));
    let late = eventually(async || {
        let found = shipment(&service, &waybill).await;
        (found.state() == ShipmentState::Delayed).then_some(found)
    })
    .await;
    assert_eq!((late.reason(), &late.promised_on), (TrackingReason::Overdue, &promised));
    assert!(late.expected_on > promised, "another day: {late:?}");
    assert!(late.events[1].carrier_event_id.starts_with("redress."));
    service.clock.advance(SignedDuration::from_hours(30 * 24));
    // Another parcel is noticed after it: the first was looked at by then.
    let (_, next) = shipped(&service).await;
    service.clock.advance(SignedDuration::from_hours(6 * 24));
    eventually(async || (shipment(&service, &next).await.reason() == TrackingReason::Overdue).then_some(())).await;
    let facts = facts(&service).await;
    let told = facts.iter().filter_map(|fact| if let Told::Exception(told) = fact { Some(told) } else { None });
    let told: Vec<_> = told.map(|told| (told.state(), told.reason(), told.expected_on.clone())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], (ShipmentState::Delayed, TrackingReason::Overdue, late.expected_on));
    let booked_still = shipment(&service, &next).await;
    assert_eq!(booked_still.state(), ShipmentState::Booked, "what has not left is not said to have");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_collected_comes_back_after_its_last_day() {
    let service = testkit::start(&logistics::SERVICE).await;
    let (_, waybill) = shipped(&service).await;
    let held = why("a", 1, ShipmentState::InTransit, TrackingReason::HeldForCollection);
    report_event(&service, &waybill, held).await.unwrap();
    service.clock.advance(SignedDuration::from_hours(24 * 366 * 6));
    let back = eventually(async || {
        let found = shipment(&service, &waybill).await;
        (found.state() == ShipmentState::Refused).then_some(found)
    })
    .await;
    assert_eq!(back.reason(), TrackingReason::NotCollected);
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "incident", "exception"]);
}
