//! Requests of people and systems whose only fault is their time.

use proto::claim::{Job, Money, Resolution};
use proto::escalation::Ruling;
use proto::logistics::{ShipmentState, TrackingEvent};
use proto::{escalation, intake, inventory, logistics, orchestrator, triage, work};
use testkit::request_id;

/// A picture about a line.
pub fn evidence(line: u32) -> Vec<intake::Evidence> {
    let (sha256, media_type) = ("00".repeat(32), "image/png".to_owned());
    vec![intake::Evidence { sha256, media_type, size: 1, name: String::new(), line, audience: 0 }]
}

/// The last receipt of a return: one unit, accepted.
pub fn receipt(job: Job, etag: &str) -> inventory::ReceiveReturnRequest {
    inventory::ReceiveReturnRequest {
        request_id: request_id(),
        job: Some(job),
        etag: etag.to_owned(),
        warehouse: "MAIN".to_owned(),
        accepted: 1,
        last: true,
        ..inventory::ReceiveReturnRequest::default()
    }
}

/// A line is rejected.
pub fn decision(item: &str, etag: &str, line: u32) -> triage::DecideWorkItemRequest {
    let reason = "NOT_GOODS".to_owned();
    let reject = triage::LineDecision { line, resolution: Resolution::Reject.into(), reason, ..Default::default() };
    triage::DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.to_owned(),
        etag: etag.to_owned(),
        lines: vec![reject],
        ..triage::DecideWorkItemRequest::default()
    }
}

/// A work item of escalation is ruled.
pub fn ruling(item: &str, etag: &str, ruling: Ruling) -> escalation::DecideWorkItemRequest {
    escalation::DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.to_owned(),
        etag: etag.to_owned(),
        ruling: ruling.into(),
        note: String::new(),
    }
}

/// A work item is taken by who asks.
pub fn take(item: &str, etag: &str) -> work::TakeWorkRequest {
    let (work_item_id, etag) = (item.to_owned(), etag.to_owned());
    work::TakeWorkRequest { request_id: request_id(), work_item_id, etag, note: String::new() }
}

/// A work item is given to a person.
pub fn assign(item: &str, etag: &str, to: &str) -> work::AssignWorkRequest {
    let (work_item_id, etag, to) = (item.to_owned(), etag.to_owned(), to.to_owned());
    work::AssignWorkRequest { request_id: request_id(), work_item_id, etag, to, note: "seen".to_owned() }
}

/// A work item goes to another person, or back to the list.
pub fn hand_over(item: &str, etag: &str, to: &str) -> work::HandOverWorkRequest {
    let (work_item_id, etag, to) = (item.to_owned(), etag.to_owned(), to.to_owned());
    work::HandOverWorkRequest { request_id: request_id(), work_item_id, etag, to, note: "seen".to_owned() }
}

/// A settlement was paid.
pub fn confirmation(settlement: &str, minor_units: i64) -> orchestrator::ConfirmSettlementRequest {
    orchestrator::ConfirmSettlementRequest {
        request_id: request_id(),
        settlement_id: settlement.to_owned(),
        paid: true,
        amount: Some(Money { minor_units, currency: "GBP".to_owned() }),
        reference: format!("PAY-{settlement}"),
        ..orchestrator::ConfirmSettlementRequest::default()
    }
}

/// A carrier gives a number of its own.
pub fn confirmed(waybill: &str, carrier: &str) -> logistics::ConfirmBookingRequest {
    logistics::ConfirmBookingRequest {
        request_id: request_id(),
        tracking_no: waybill.to_owned(),
        carrier_tracking_no: carrier.to_owned(),
        promised_on: String::new(),
    }
}

/// A carrier saw a parcel.
pub fn tracking(waybill: &str, state: ShipmentState) -> logistics::ReportTrackingRequest {
    let event = TrackingEvent {
        carrier_event_id: "e-1".to_owned(),
        state: state.into(),
        occurred_at: Some(proto::WireTime { seconds: 1_780_000_000, nanos: 0 }),
        detail: String::new(),
        ..TrackingEvent::default()
    };
    let tracking_no = waybill.to_owned();
    logistics::ReportTrackingRequest { request_id: request_id(), tracking_no, event: Some(event) }
}
