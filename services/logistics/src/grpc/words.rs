//! The wire's words for those of the domain.

use jiff::civil::Date;
use proto::claim::{Job, Money, Severity};
use proto::logistics::{
    DeliveryMode, Direction as WireDirection, Shipment as WireShipment, ShipmentState, TrackingEvent, TrackingReason,
};

use crate::domain::{Direction, Key, Mode, Reason, Shipment, Sighting, Status};

/// The name of a piece of work.
pub fn wire_job(key: &Key) -> Job {
    Job { claim_id: key.claim.to_string(), round: key.round, line: key.line, attempt: key.attempt }
}

/// The delivery mode.
pub fn wire_mode(mode: Mode) -> DeliveryMode {
    match mode {
        Mode::Express => DeliveryMode::Express,
        Mode::FreightLine => DeliveryMode::FreightLine,
        Mode::DedicatedVehicle => DeliveryMode::DedicatedVehicle,
    }
}

/// The direction.
pub fn wire_direction(direction: Direction) -> WireDirection {
    match direction {
        Direction::Outbound => WireDirection::Outbound,
        Direction::Return => WireDirection::Return,
    }
}

/// The direction of the domain; `None` if unspecified.
pub fn direction(wire: WireDirection) -> Option<Direction> {
    match wire {
        WireDirection::Unspecified => None,
        WireDirection::Outbound => Some(Direction::Outbound),
        WireDirection::Return => Some(Direction::Return),
    }
}

/// The state.
pub fn wire_state(status: Status) -> ShipmentState {
    match status {
        Status::Booked => ShipmentState::Booked,
        Status::Packed => ShipmentState::Packed,
        Status::HandedOver => ShipmentState::HandedOver,
        Status::InTransit => ShipmentState::InTransit,
        Status::Delayed => ShipmentState::Delayed,
        Status::Delivered => ShipmentState::Delivered,
        Status::Damaged => ShipmentState::Damaged,
        Status::Lost => ShipmentState::Lost,
        Status::Refused => ShipmentState::Refused,
        Status::Cancelled => ShipmentState::Cancelled,
        // Never shown: such a job has no waybill.
        Status::NotServed => ShipmentState::Unspecified,
    }
}

/// The state of the domain; `None` if unspecified.
pub fn status(wire: ShipmentState) -> Option<Status> {
    match wire {
        ShipmentState::Unspecified => None,
        ShipmentState::Booked => Some(Status::Booked),
        ShipmentState::Packed => Some(Status::Packed),
        ShipmentState::HandedOver => Some(Status::HandedOver),
        ShipmentState::InTransit => Some(Status::InTransit),
        ShipmentState::Delayed => Some(Status::Delayed),
        ShipmentState::Delivered => Some(Status::Delivered),
        ShipmentState::Damaged => Some(Status::Damaged),
        ShipmentState::Lost => Some(Status::Lost),
        ShipmentState::Refused => Some(Status::Refused),
        ShipmentState::Cancelled => Some(Status::Cancelled),
    }
}

/// The reason; `None`: none.
pub fn wire_reason(reason: Option<Reason>) -> TrackingReason {
    match reason {
        None => TrackingReason::Unspecified,
        Some(Reason::DeliveryAttempted) => TrackingReason::DeliveryAttempted,
        Some(Reason::HeldForCollection) => TrackingReason::HeldForCollection,
        Some(Reason::CustomsHold) => TrackingReason::CustomsHold,
        Some(Reason::ReturningToSender) => TrackingReason::ReturningToSender,
        Some(Reason::ReturnedToSender) => TrackingReason::ReturnedToSender,
        Some(Reason::NotCollected) => TrackingReason::NotCollected,
        Some(Reason::DeliveredDamaged) => TrackingReason::DeliveredDamaged,
        Some(Reason::DeliveredIncomplete) => TrackingReason::DeliveredIncomplete,
        Some(Reason::Destroyed) => TrackingReason::Destroyed,
        Some(Reason::PickupNobodyThere) => TrackingReason::PickupNobodyThere,
        Some(Reason::PickupNotReady) => TrackingReason::PickupNotReady,
        Some(Reason::Overdue) => TrackingReason::Overdue,
    }
}

/// The reason of the domain; `None` if unspecified.
pub fn reason(wire: TrackingReason) -> Option<Reason> {
    match wire {
        TrackingReason::Unspecified => None,
        TrackingReason::DeliveryAttempted => Some(Reason::DeliveryAttempted),
        TrackingReason::HeldForCollection => Some(Reason::HeldForCollection),
        TrackingReason::CustomsHold => Some(Reason::CustomsHold),
        TrackingReason::ReturningToSender => Some(Reason::ReturningToSender),
        TrackingReason::ReturnedToSender => Some(Reason::ReturnedToSender),
        TrackingReason::NotCollected => Some(Reason::NotCollected),
        TrackingReason::DeliveredDamaged => Some(Reason::DeliveredDamaged),
        TrackingReason::DeliveredIncomplete => Some(Reason::DeliveredIncomplete),
        TrackingReason::Destroyed => Some(Reason::Destroyed),
        TrackingReason::PickupNobodyThere => Some(Reason::PickupNobodyThere),
        TrackingReason::PickupNotReady => Some(Reason::PickupNotReady),
        TrackingReason::Overdue => Some(Reason::Overdue),
    }
}

/// A day; empty: none.
pub fn wire_day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// A parcel without its events.
pub fn wire(shipment: &Shipment) -> WireShipment {
    let mut wire = WireShipment {
        shipment_id: shipment.id.to_string(),
        job: Some(wire_job(&shipment.key)),
        direction: wire_direction(shipment.key.direction).into(),
        state: wire_state(shipment.status).into(),
        carrier_tracking_no: shipment.carrier_no.clone().unwrap_or_default(),
        reason: wire_reason(shipment.reason).into(),
        held_until: wire_day(shipment.held_until),
        expected_on: wire_day(shipment.expected_on),
        ..WireShipment::default()
    };
    if let Some(booking) = &shipment.booking {
        wire.carrier = booking.carrier.clone();
        wire.mode = wire_mode(booking.mode).into();
        wire.tracking_no = booking.tracking_no.clone();
        wire.sku = booking.parcel.sku.clone();
        wire.quantity = booking.parcel.quantity;
        wire.country = booking.parcel.country.clone();
        wire.cost = Some(Money { minor_units: booking.cost_minor, currency: booking.currency.clone() });
        wire.promised_on = booking.promised_on.to_string();
    }
    wire
}

/// A carrier's event.
pub fn wire_sighting(seen: &Sighting) -> TrackingEvent {
    TrackingEvent {
        carrier_event_id: seen.id.clone(),
        state: wire_state(seen.state).into(),
        occurred_at: Some(proto::to_wire(seen.at)),
        detail: seen.detail.clone(),
        reason: wire_reason(seen.reason).into(),
        held_until: wire_day(seen.held_until),
        expected_on: wire_day(seen.expected_on),
    }
}

/// Whether goods of such a claim go the fastest way (S4-41).
pub fn is_urgent(severity: Severity) -> bool {
    match severity {
        Severity::Unspecified | Severity::Minor | Severity::General => false,
        Severity::Serious | Severity::Urgent => true,
    }
}

/// Whether a text is an ISO 3166-1 alpha-2 code.
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
