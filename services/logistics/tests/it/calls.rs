//! Calls: every refusal with its details, and what carriers report.

use proto::claim::Severity;
use proto::logistics::*;
use testkit::{bad_fields, details, reason, request_id};
use tonic::Code;

use crate::talk::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_tracked_from_hand_over_to_delivery() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    for (id, state) in
        [("a", ShipmentState::HandedOver), ("b", ShipmentState::Delayed), ("c", ShipmentState::Delivered)]
    {
        assert!(report(&service, &waybill, id, state).await.unwrap().changed);
    }
    let late = report(&service, &waybill, "d", ShipmentState::InTransit).await.unwrap();
    assert!(!late.changed, "older than the state");
    let known = report(&service, &waybill, "c", ShipmentState::Delivered).await.unwrap();
    assert!(!known.changed, "known");
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "exception", "delivered"]);
    let ask = GetShipmentRequest { tracking_no: waybill, ..GetShipmentRequest::default() };
    let shipment = client(&service).get_shipment(ask).await.unwrap().into_inner().shipment.unwrap();
    assert_eq!((shipment.state(), shipment.events.len()), (ShipmentState::Delivered, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_has_one_effect() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let event = TrackingEvent {
        carrier_event_id: "e".to_owned(),
        state: ShipmentState::Delivered.into(),
        occurred_at: Some(proto::to_wire(jiff::Timestamp::UNIX_EPOCH)),
        ..TrackingEvent::default()
    };
    let tracking_no = waybill(&service, claim).await;
    let ask = ReportTrackingRequest { request_id: request_id(), tracking_no, event: Some(event.clone()) };
    let mut client = client(&service);
    for _ in 0..2 {
        assert!(
            client.report_tracking(ask.clone()).await.unwrap().into_inner().changed,
            "the answer of the first time"
        );
    }
    let other = ReportTrackingRequest { event: Some(TrackingEvent { detail: "x".to_owned(), ..event }), ..ask };
    assert_eq!(reason(&client.report_tracking(other).await.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn illegal_transitions_and_unknown_waybills_are_refused() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    told(&service, cancel(claim)).await;
    let refused = report(&service, &waybill, "b", ShipmentState::InTransit).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ILLEGAL_TRANSITION"));
    let info = details(&refused).error_info().cloned().unwrap();
    assert_eq!(info.domain, "redress.logistics");
    assert_eq!(
        (info.metadata["from"].as_str(), info.metadata["to"].as_str()),
        ("SHIPMENT_STATE_CANCELLED", "SHIPMENT_STATE_IN_TRANSIT")
    );
    let unknown = report(&service, "RX1", "a", ShipmentState::Lost).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(details(&unknown).resource_info().unwrap().resource_name, "RX1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_report_names_every_field() {
    let service = testkit::start(&logistics::SERVICE).await;
    let event = TrackingEvent {
        carrier_event_id: "a b".to_owned(),
        state: 99,
        detail: "\u{7}".to_owned(),
        ..Default::default()
    };
    let ask = ReportTrackingRequest { request_id: String::new(), tracking_no: String::new(), event: Some(event) };
    let refused = client(&service).report_tracking(ask).await.unwrap_err();
    let fields = bad_fields(&refused);
    let expected =
        ["request_id", "tracking_no", "event.carrier_event_id", "event.state", "event.detail", "event.occurred_at"];
    assert_eq!(fields, expected);
    let none = client(&service).report_tracking(ReportTrackingRequest::default()).await.unwrap_err();
    assert_eq!(bad_fields(&none), ["request_id", "tracking_no", "event"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_follows_urgency_and_place() {
    let service = testkit::start(&logistics::SERVICE).await;
    let ask = |severity: Severity, quantity: u32| QuoteShipmentRequest {
        country: "FR".to_owned(),
        severity: severity.into(),
        quantity,
        direction: Direction::Outbound.into(),
    };
    let mut client = client(&service);
    let slow = client.quote_shipment(ask(Severity::Minor, 2)).await.unwrap().into_inner();
    let fast = client.quote_shipment(ask(Severity::Urgent, 2)).await.unwrap().into_inner();
    let cost = |quote: &QuoteShipmentResponse| quote.cost.as_ref().unwrap().minor_units;
    assert!(fast.days < slow.days && cost(&fast) > cost(&slow));
    let back = QuoteShipmentRequest { direction: Direction::Return.into(), ..ask(Severity::Urgent, 2) };
    assert_eq!(client.quote_shipment(back).await.unwrap().into_inner(), slow, "a pick-up is never urgent");
    let nobody = client.quote_shipment(ask(Severity::Minor, 1_000_000)).await.unwrap_err();
    assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::FailedPrecondition, "NO_CARRIER"));
    let bad = client.quote_shipment(QuoteShipmentRequest::default()).await.unwrap_err();
    assert_eq!(bad_fields(&bad), ["country", "quantity", "direction"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_and_filtered() {
    let service = testkit::start(&logistics::SERVICE).await;
    for _ in 0..5 {
        told(&service, ship(claim())).await;
    }
    told(&service, collect(claim())).await;
    let mut ask =
        ListShipmentsRequest { direction: Direction::Outbound.into(), page_size: 2, ..ListShipmentsRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = client(&service).list_shipments(ask.clone()).await.unwrap().into_inner();
        assert!(page.shipments.len() <= 2);
        seen.extend(page.shipments.into_iter().map(|shipment| shipment.shipment_id));
        if page.next_page_token.is_empty() {
            break;
        }
        ask.page_token = page.next_page_token;
    }
    assert_eq!(seen.len(), 5);
    let other = ListShipmentsRequest {
        direction: Direction::Return.into(),
        page_token: ask.page_token,
        ..ListShipmentsRequest::default()
    };
    assert_eq!(bad_fields(&client(&service).list_shipments(other).await.unwrap_err()), ["page_token"]);
    let unknown = GetShipmentRequest { tracking_no: "RX9".to_owned(), ..GetShipmentRequest::default() };
    assert_eq!(reason(&client(&service).get_shipment(unknown).await.unwrap_err()), "NOT_FOUND");
    let neither = client(&service).get_shipment(GetShipmentRequest::default()).await.unwrap_err();
    assert_eq!(bad_fields(&neither), ["shipment_id", "tracking_no"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_stays_so() {
    let service = testkit::start(&logistics::SERVICE).await;
    for (end, next) in [
        (ShipmentState::Delivered, ShipmentState::Lost),
        (ShipmentState::Lost, ShipmentState::Damaged),
        (ShipmentState::Refused, ShipmentState::Damaged),
        (ShipmentState::Cancelled, ShipmentState::HandedOver),
    ] {
        let claim = claim();
        told(&service, ship(claim)).await;
        let waybill = waybill(&service, claim).await;
        if end == ShipmentState::Cancelled {
            told(&service, cancel(claim)).await;
        } else {
            report(&service, &waybill, "a", end).await.unwrap();
        }
        let answer = report(&service, &waybill, "b", next).await;
        // What no carrier can mean is refused; all else is recorded and changes nothing.
        let gone = end == ShipmentState::Cancelled;
        match answer {
            Ok(answer) => assert!(!gone && !answer.changed, "{end:?} {next:?}"),
            Err(refused) => assert!(gone && reason(&refused) == "ILLEGAL_TRANSITION", "{end:?} {next:?}"),
        }
        let older = report(&service, &waybill, "c", ShipmentState::Packed).await.unwrap();
        assert!(!older.changed);
        let ask = GetShipmentRequest { tracking_no: waybill, ..GetShipmentRequest::default() };
        let shipment = client(&service).get_shipment(ask).await.unwrap().into_inner().shipment.unwrap();
        assert_eq!(shipment.state(), end);
        let recorded = shipment.events.iter().any(|event| event.carrier_event_id == "b");
        assert_eq!(recorded, !gone, "what was refused is not recorded");
    }
    let claim = claim();
    told(&service, ship(claim)).await;
    let void = report(&service, &waybill(&service, claim).await, "a", ShipmentState::Cancelled).await.unwrap_err();
    assert_eq!(reason(&void), "ILLEGAL_TRANSITION", "only we call a parcel off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_parcel_that_turns_up_is_told() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    report(&service, &waybill, "a", ShipmentState::Lost).await.unwrap();
    let found = report(&service, &waybill, "b", ShipmentState::Delivered).await.unwrap();
    assert!(found.changed && found.shipment.unwrap().state() == ShipmentState::Delivered);
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "exception", "delivered"]);
    let templates: Vec<String> = notices(&service).await.into_iter().map(|notice| notice.template).collect();
    assert_eq!(templates, ["shipment_exception", "shipment_found"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_report_of_a_delay_raises_no_alarm() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    for (id, second, state, changed) in [
        ("a", 30, ShipmentState::InTransit, true),
        ("b", 20, ShipmentState::Delayed, false),
        ("c", 40, ShipmentState::Delayed, true),
        ("d", 50, ShipmentState::InTransit, true),
    ] {
        let reported = report_at(&service, &waybill, id, second, state).await.unwrap();
        assert_eq!(reported.changed, changed, "{id}");
    }
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "exception"]);
    let notices = notices(&service).await;
    assert_eq!(notices.len(), 1);
    let notice = &notices[0];
    assert_eq!((notice.audience.as_str(), notice.template.as_str()), ("logistics", "shipment_exception"));
    assert_eq!(notice.claim_id, claim.to_string());
    assert_eq!((notice.parameters["state"].as_str(), &notice.parameters["tracking_no"]), ("DELAYED", &waybill));
    assert!(notice.customer_ref.is_empty() && notice.claim_number.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_of_a_carrier_counts_once_however_many_report_it() {
    let service = testkit::start(&logistics::SERVICE).await;
    let claim = claim();
    told(&service, ship(claim)).await;
    let waybill = waybill(&service, claim).await;
    let reports = (0..20).map(|_| report(&service, &waybill, "same", ShipmentState::Delivered));
    let answers = futures::future::join_all(reports).await;
    assert_eq!(answers.iter().filter(|answer| answer.as_ref().unwrap().changed).count(), 1);
    assert_eq!(names(&facts(&service).await), ["booked", "handed_over", "delivered"]);
}

/// Calls and messages of one parcel take different lanes: the lock on its row decides who is first.
#[tokio::test(flavor = "multi_thread")]
async fn calling_off_and_handing_over_at_once_has_one_winner() {
    let service = testkit::start(&logistics::SERVICE).await;
    for round in 0..20 {
        let claim = claim();
        told(&service, ship(claim)).await;
        let waybill = waybill(&service, claim).await;
        let before = facts(&service).await.len();
        // A message and a call are not equally fast: each is to win sometimes.
        let call_off = async {
            tokio::time::sleep(std::time::Duration::from_millis(round % 5)).await;
            told(&service, cancel(claim)).await;
        };
        let ((), reported) = tokio::join!(call_off, report(&service, &waybill, "a", ShipmentState::InTransit));
        let facts = facts(&service).await;
        let told = names(&facts[before..]);
        match reported {
            Ok(answer) => {
                assert!(answer.changed);
                assert_eq!(told, ["handed_over", "cancel_refused"]);
            }
            Err(refused) => {
                assert_eq!(reason(&refused), "ILLEGAL_TRANSITION");
                assert_eq!(told, ["cancelled"]);
            }
        }
    }
}
