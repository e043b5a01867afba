//! The wire's words for those of the domain.

use proto::claim::{Job, Money, Severity};
use proto::logistics::{
    DeliveryMode, Direction as WireDirection, Shipment as WireShipment, ShipmentState, TrackingEvent,
};

use crate::domain::{Direction, Key, Mode, Shipment, Sighting, Status};

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

/// A parcel without its events.
pub fn wire(shipment: &Shipment) -> WireShipment {
    let mut wire = WireShipment {
        shipment_id: shipment.id.to_string(),
        job: Some(wire_job(&shipment.key)),
        direction: wire_direction(shipment.key.direction).into(),
        state: wire_state(shipment.status).into(),
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
