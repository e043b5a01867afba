//! What departments and carriers are told. The customer is told by the orchestrator, which knows the customer's reference.

use chassis::Outgoing;
use jiff::Timestamp;
use proto::claim::Notice;

use super::wire;
use crate::shipment::domain::{Direction, Effect, Event, Shipment, Status, TrackingReason};

/// The carrier is to bring goods to the customer, or to fetch them there (S3-19, S3-22). Whoever passes it on looks the
/// address up; the answer is the call ConfirmBooking.
pub fn to_carry(shipment: &Shipment, now: Timestamp) -> Outgoing {
    let template = match shipment.key.direction {
        Direction::Outbound => "bring",
        Direction::Return => "fetch",
    };
    notice(shipment, ("carrier", template), job(shipment), now)
}

/// What the carrier was to bring or fetch is called off.
pub fn not_to_carry(shipment: &Shipment, now: Timestamp) -> Outgoing {
    notice(shipment, ("carrier", "cancelled"), job(shipment), now)
}

fn job(shipment: &Shipment) -> Vec<(&'static str, String)> {
    let Some(booking) = &shipment.booking else { return Vec::new() };
    let (from, to) = match shipment.key.direction {
        Direction::Outbound => ("warehouse", "customer"),
        Direction::Return => ("customer", "warehouse"),
    };
    vec![
        ("shipment_id", shipment.id.to_string()),
        ("carrier", booking.carrier.clone()),
        ("mode", booking.mode.word().to_uppercase()),
        ("tracking_no", booking.tracking_no.clone()),
        ("carrier_tracking_no", shipment.carrier_no.clone().unwrap_or_default()),
        ("sku", booking.parcel.sku.clone()),
        ("quantity", booking.parcel.quantity.to_string()),
        ("country", booking.parcel.country.clone()),
        ("from", from.to_owned()),
        ("to", to.to_owned()),
        ("promised_on", wire::day(shipment.promised())),
    ]
}

/// What departments must know of what was seen.
pub(super) fn of_departments(
    before: &Shipment,
    after: &Shipment,
    found: &[Event],
    now: Timestamp,
) -> impl Iterator<Item = Outgoing> {
    let exception = |state| notice(after, ("logistics", "shipment_exception"), about(after, state), now);
    let noted = found.iter().find_map(|event| match event {
        Event::Seen { sighting, effect: Effect::Noted } => Some(exception(sighting.state)),
        _ => None,
    });
    let changed = found.iter().any(Event::changes);
    let exceptional = (changed && is_exceptional(before, after)).then(|| exception(after.status));
    // Others may have been sent in its place.
    let arrived = changed && before.status != after.status && after.status == Status::Delivered;
    let given_up = match before.status {
        Status::Lost | Status::Refused => true,
        Status::Damaged => after.key.direction == Direction::Outbound,
        Status::Booked | Status::Packed | Status::HandedOver | Status::InTransit | Status::Delayed => false,
        Status::Delivered | Status::Cancelled | Status::NotServed => false,
    };
    let turned_up =
        (arrived && given_up).then(|| notice(after, ("logistics", "shipment_found"), about(after, after.status), now));
    let back = Some(TrackingReason::ReturnedToSender);
    let is_back = (before.reason != back && after.reason == back).then(|| {
        let audience = match after.key.direction {
            Direction::Outbound => "warehouse",
            Direction::Return => "logistics",
        };
        notice(after, (audience, "parcel_back"), goods(after), now)
    });
    noted.into_iter().chain(exceptional).chain(turned_up).chain(is_back)
}

/// Whether the department must know why a parcel is where it is now.
fn is_exceptional(before: &Shipment, after: &Shipment) -> bool {
    let outbound = after.key.direction == Direction::Outbound;
    let other = before.status != after.status;
    match after.reason {
        Some(
            TrackingReason::CustomsHold
            | TrackingReason::DeliveredDamaged
            | TrackingReason::DeliveredIncomplete
            | TrackingReason::Overdue,
        ) => true,
        // Who was not there: ourselves, or the customer, who is told.
        Some(TrackingReason::PickupNobodyThere | TrackingReason::PickupNotReady) => outbound,
        Some(TrackingReason::DeliveryAttempted | TrackingReason::HeldForCollection) if !outbound => true,
        Some(TrackingReason::DeliveryAttempted | TrackingReason::HeldForCollection) => {
            other && after.status == Status::Delayed
        }
        Some(_) | None => {
            let late_again = after.status == Status::Delayed && before.expected_on != after.expected_on;
            let bad = matches!(after.status, Status::Delayed | Status::Damaged | Status::Lost | Status::Refused);
            (other && bad) || late_again
        }
    }
}

fn about(shipment: &Shipment, state: Status) -> Vec<(&'static str, String)> {
    vec![
        ("state", state.word().to_uppercase()),
        ("reason", shipment.reason.map(|reason| reason.word().to_uppercase()).unwrap_or_default()),
        ("tracking_no", tracking_no(shipment)),
        ("held_until", wire::day(shipment.held_until)),
        ("expected_on", wire::day(shipment.expected_on)),
    ]
}

fn goods(shipment: &Shipment) -> Vec<(&'static str, String)> {
    let mut parameters = about(shipment, shipment.status);
    if let Some(booking) = &shipment.booking {
        parameters.push(("sku", booking.parcel.sku.clone()));
        parameters.push(("quantity", booking.parcel.quantity.to_string()));
    }
    parameters
}

fn tracking_no(shipment: &Shipment) -> String {
    shipment.booking.as_ref().map(|booking| booking.tracking_no.clone()).unwrap_or_default()
}

fn notice(
    shipment: &Shipment,
    (audience, template): (&str, &str),
    parameters: Vec<(&'static str, String)>,
    now: Timestamp,
) -> Outgoing {
    let id = shipment.id.to_string();
    let version = shipment.version.to_string();
    let given = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    Outgoing::notice(&Notice {
        notice_id: proto::ids::derived(now, &[&id, audience, template, &version]).to_string(),
        audience: audience.to_owned(),
        template: template.to_owned(),
        parameters: given.map(|(key, value)| (key.to_owned(), value)).collect(),
        claim_id: shipment.key.job.claim.to_string(),
        claim_number: String::new(),
        customer_ref: String::new(),
        raised_at: Some(proto::to_wire(now)),
    })
}
