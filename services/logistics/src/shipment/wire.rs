//! What the domain has, as messages of the contract.

use jiff::civil::Date;
use proto::claim::Money;
use proto::claim::words::Severity;
use proto::logistics::{Shipment as WireShipment, TrackingEvent};

use super::domain::{Shipment, Sighting, TrackingReason};

/// The number of a reason; 0: none.
pub fn number(reason: Option<TrackingReason>) -> i32 {
    reason.map_or(0, i32::from)
}

/// A day; empty: none.
pub fn day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// A parcel without its events.
pub fn shipment(shipment: &Shipment) -> WireShipment {
    let mut wire = WireShipment {
        shipment_id: shipment.id.to_string(),
        job: Some(shipment.key.job.into()),
        direction: shipment.key.direction.into(),
        state: shipment.status.number(),
        carrier_tracking_no: shipment.carrier_no.clone().unwrap_or_default(),
        reason: number(shipment.reason),
        held_until: day(shipment.held_until),
        expected_on: day(shipment.expected_on),
        ..WireShipment::default()
    };
    if let Some(booking) = &shipment.booking {
        wire.carrier = booking.carrier.clone();
        wire.mode = booking.mode.into();
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
pub fn sighting(seen: &Sighting) -> TrackingEvent {
    TrackingEvent {
        carrier_event_id: seen.id.clone(),
        state: seen.state.number(),
        occurred_at: Some(proto::to_wire(seen.at)),
        detail: seen.detail.clone(),
        reason: number(seen.reason),
        held_until: day(seen.held_until),
        expected_on: day(seen.expected_on),
    }
}

/// Whether goods of such a claim go the fastest way (S4-41).
pub fn is_urgent(severity: Option<Severity>) -> bool {
    match severity {
        None | Some(Severity::Minor | Severity::General) => false,
        Some(Severity::Serious | Severity::Urgent) => true,
    }
}

/// Whether a text is an ISO 3166-1 alpha-2 code.
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
