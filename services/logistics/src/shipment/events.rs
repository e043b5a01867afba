//! Messages about parcels: commands of the orchestrator in, facts out. The answer to a command is read off the parcel after it, so
//! that the same command has the same answer whenever it comes.

use chassis::{Malformed, Outgoing};
use jiff::Timestamp;
use proto::claim::Money;
use proto::logistics::logistics_event::Kind as Told;
use proto::logistics::{
    Booked, BookingConfirmed, BookingFailed, CancelRefused, Cancelled, Collect, Delivered, Exception, HandedOver,
    Incident, LogisticsEvent, Ship,
};

use super::domain::{Command, Direction, Event, Job, Key, Parcel, Shipment, Status, TrackingReason, reason};
use super::wire;

mod notices;

pub use notices::{not_to_carry, to_carry};

/// Most units of one parcel.
const UNITS_MAX: u32 = 10_000_000;

/// Goods are to be sent.
pub fn ship(job: Job, ask: Ship, policy_version: u32) -> Result<Command, Malformed> {
    let urgent = wire::is_urgent(ask.severity().said());
    let parcel = parcel(ask.sku, ask.quantity, ask.country, urgent)?;
    Ok(Command::Book { key: Key { job, direction: Direction::Outbound }, parcel, policy_version })
}

/// Goods are to be fetched. Nobody waits for them.
pub fn collect(job: Job, ask: Collect, policy_version: u32) -> Result<Command, Malformed> {
    let parcel = parcel(ask.sku, ask.quantity, ask.country, false)?;
    Ok(Command::Book { key: Key { job, direction: Direction::Return }, parcel, policy_version })
}

/// What was ordered is called off.
pub fn cancel(job: Job, direction: Direction) -> Command {
    Command::Cancel { key: Key { job, direction } }
}

fn parcel(sku: String, quantity: u32, country: String, urgent: bool) -> Result<Parcel, Malformed> {
    let fits = (1..=64).contains(&sku.chars().count()) && !sku.chars().any(char::is_control);
    if !fits || !wire::is_country(&country) || !(1..=UNITS_MAX).contains(&quantity) {
        return Err(Malformed(format!("SKU, country or quantity {quantity} is out of bounds")));
    }
    Ok(Parcel { sku, quantity, country, urgent })
}

/// The answer to an order to book: what was agreed, and how far it is.
pub fn booked(shipment: &Shipment) -> Vec<Outgoing> {
    let mut told = vec![match (&shipment.booking, shipment.status) {
        (_, Status::Cancelled) => Told::Cancelled(Cancelled {}),
        (None, _) => Told::BookingFailed(BookingFailed { reason: "NO_CARRIER".to_owned() }),
        (Some(booking), _) => Told::Booked(Booked {
            shipment_id: shipment.id.to_string(),
            carrier: booking.carrier.clone(),
            mode: booking.mode.into(),
            tracking_no: shipment.carrier_no.clone().unwrap_or_else(|| booking.tracking_no.clone()),
            promised_on: wire::day(shipment.promised()),
            cost: Some(Money { minor_units: booking.cost_minor, currency: booking.currency.clone() }),
        }),
    }];
    told.extend(moved(Status::Booked, shipment));
    told.extend(shipment.reason.filter(|reason| reason::holds(*reason)).map(|_| incident(shipment)));
    told.into_iter().map(|kind| event(&shipment.key, kind)).collect()
}

/// The answer to calling off.
pub fn cancelled(shipment: &Shipment) -> Outgoing {
    let gone = shipment.status == Status::Cancelled;
    event(&shipment.key, if gone { Told::Cancelled(Cancelled {}) } else { Told::CancelRefused(CancelRefused {}) })
}

/// The carrier has confirmed the booking.
pub fn confirmed(shipment: &Shipment) -> Outgoing {
    let tracking_no = shipment.carrier_no.clone().unwrap_or_default();
    let promised_on = wire::day(shipment.promised());
    event(
        &shipment.key,
        Told::BookingConfirmed(BookingConfirmed { tracking_no, promised_on, number: number(shipment) }),
    )
}

/// What was seen means to the orchestrator, and to departments (S1-47, S2-06, S3-27, S3-29).
pub fn seen(before: &Shipment, after: &Shipment, found: &[Event], now: Timestamp) -> Vec<Outgoing> {
    let facts = if found.iter().any(Event::changes) { news(before, after) } else { Vec::new() };
    let mut told: Vec<_> = facts.into_iter().map(|kind| event(&after.key, kind)).collect();
    told.extend(notices::of_departments(before, after, found, now));
    told
}

/// What is new about a parcel that has changed.
fn news(before: &Shipment, after: &Shipment) -> Vec<Told> {
    let mut told = moved(before.status, after);
    let stays = before.status == after.status;
    match after.reason {
        Some(TrackingReason::DeliveryAttempted) => told.push(incident(after)),
        Some(reason) if reason::holds(reason) => told.push(incident(after)),
        // Found out after it was delivered.
        Some(TrackingReason::DeliveredDamaged | TrackingReason::DeliveredIncomplete) if stays => {
            told.push(delivered(after))
        }
        Some(TrackingReason::Overdue) if stays => told.push(exception(Status::Delayed, after)),
        None if stays && before.expected_on != after.expected_on => told.push(exception(Status::Delayed, after)),
        // What held it is over, and nothing else says so.
        _ if before.reason.is_some_and(reason::holds) && told.is_empty() => told.push(incident(after)),
        _ => {}
    }
    told
}

/// The facts between two states: a hand-over that the carrier did not report is told all the same.
fn moved(before: Status, after: &Shipment) -> Vec<Told> {
    let mut told = Vec::new();
    let at_hand = |status: Status| matches!(status, Status::Booked | Status::Packed);
    let under_way = !at_hand(after.status) && !matches!(after.status, Status::Cancelled | Status::NotServed);
    if at_hand(before) && under_way {
        told.push(Told::HandedOver(HandedOver {}));
    }
    if before != after.status {
        match after.status {
            Status::Delivered => told.push(delivered(after)),
            Status::Delayed | Status::Damaged | Status::Lost | Status::Refused => {
                told.push(exception(after.status, after));
            }
            Status::Booked | Status::Packed | Status::HandedOver | Status::InTransit => {}
            Status::Cancelled | Status::NotServed => {}
        }
    }
    told
}

fn delivered(shipment: &Shipment) -> Told {
    Told::Delivered(Delivered { reason: wire::number(shipment.reason) })
}

fn exception(status: Status, shipment: &Shipment) -> Told {
    let late = status == Status::Delayed;
    Told::Exception(Exception {
        state: status.number(),
        reason: wire::number(shipment.reason),
        expected_on: wire::day(shipment.expected_on.filter(|_| late)),
    })
}

/// What holds it, or that nothing does any more.
fn incident(shipment: &Shipment) -> Told {
    let told = shipment.reason.filter(|reason| reason::holds(*reason) || *reason == TrackingReason::DeliveryAttempted);
    let reason = wire::number(told);
    Told::Incident(Incident { reason, held_until: wire::day(shipment.held_until), number: number(shipment) })
}

/// Counts up with every change of a parcel.
fn number(shipment: &Shipment) -> u32 {
    u32::try_from(shipment.version).unwrap_or(u32::MAX)
}

fn event(key: &Key, kind: Told) -> Outgoing {
    let (name, direction) = (kind.name(), key.direction.into());
    let message = LogisticsEvent { job: Some(key.job.into()), direction, kind: Some(kind) };
    Outgoing::event("logistics", name, key.job.claim.0, &message)
}

#[cfg(test)]
mod tests;
