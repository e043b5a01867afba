//! Messages: commands of the orchestrator in, facts out. The answer to a command is read off the parcel after it, so
//! that the same command has the same answer whenever it comes.

use chassis::{Malformed, Outgoing};
use jiff::Timestamp;
use proto::Subject;
use proto::claim::{Job, Money, Notice};
use proto::logistics::logistics_command::Kind as Asked;
use proto::logistics::logistics_event::Kind as Told;
use proto::logistics::{
    Booked, BookingFailed, CancelRefused, Cancelled, Delivered, Exception, HandedOver, LogisticsCommand, LogisticsEvent,
};

use crate::domain::{Command, Direction, Key, Parcel, Shipment, Status};
use crate::grpc::words;

/// Most units of one parcel.
const UNITS_MAX: u32 = 10_000_000;

/// Reads a command of the orchestrator.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: LogisticsCommand = chassis::read("redress.logistics.v1.LogisticsCommand", subject, payload)?;
    let job = message.job.ok_or_else(|| Malformed("the command names no job".to_owned()))?;
    let kind = message.kind.ok_or_else(|| Malformed("the command says not what to do".to_owned()))?;
    Ok(match kind {
        Asked::Ship(ask) => {
            let urgent = words::is_urgent(ask.severity());
            let parcel = parcel(ask.sku, ask.quantity, ask.country, urgent)?;
            Command::Book { key: key(&job, Direction::Outbound)?, parcel }
        }
        Asked::Collect(ask) => {
            let parcel = parcel(ask.sku, ask.quantity, ask.country, false)?;
            Command::Book { key: key(&job, Direction::Return)?, parcel }
        }
        Asked::CancelShipment(_) => Command::Cancel { key: key(&job, Direction::Outbound)? },
        Asked::CancelCollection(_) => Command::Cancel { key: key(&job, Direction::Return)? },
    })
}

fn key(job: &Job, direction: Direction) -> Result<Key, Malformed> {
    let claim = job.claim_id.parse().map_err(|_| Malformed("the job names no claim".to_owned()))?;
    let numbers = [job.round, job.line, job.attempt];
    if numbers.iter().any(|number| !(1..=1_000_000).contains(number)) {
        return Err(Malformed(format!("the job has a number out of bounds: {numbers:?}")));
    }
    Ok(Key { claim, direction, round: job.round, line: job.line, attempt: job.attempt })
}

fn parcel(sku: String, quantity: u32, country: String, urgent: bool) -> Result<Parcel, Malformed> {
    let fits = (1..=64).contains(&sku.chars().count()) && !sku.chars().any(char::is_control);
    if !fits || !words::is_country(&country) || !(1..=UNITS_MAX).contains(&quantity) {
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
            mode: words::wire_mode(booking.mode).into(),
            tracking_no: booking.tracking_no.clone(),
            promised_on: booking.promised_on.to_string(),
            cost: Some(Money { minor_units: booking.cost_minor, currency: booking.currency.clone() }),
        }),
    }];
    told.extend(moved(Status::Booked, shipment.status));
    told.into_iter().map(|kind| event(&shipment.key, kind)).collect()
}

/// The answer to calling off.
pub fn cancelled(shipment: &Shipment) -> Outgoing {
    let gone = shipment.status == Status::Cancelled;
    event(&shipment.key, if gone { Told::Cancelled(Cancelled {}) } else { Told::CancelRefused(CancelRefused {}) })
}

/// What a change of state means to the orchestrator, and to the department (S1-47, S2-06).
pub fn seen(before: Status, shipment: &Shipment, now: Timestamp) -> Vec<Outgoing> {
    let facts = moved(before, shipment.status);
    let exception = facts.iter().any(|fact| matches!(fact, Told::Exception(_)));
    let mut told: Vec<_> = facts.into_iter().map(|kind| event(&shipment.key, kind)).collect();
    if exception {
        told.push(notice(shipment, "shipment_exception", now));
    }
    // Others may have been sent in its place: what the customer has twice is for people to settle.
    if before == Status::Lost && shipment.status == Status::Delivered {
        told.push(notice(shipment, "shipment_found", now));
    }
    told
}

/// The facts between two states: a hand-over that the carrier did not report is told all the same.
fn moved(before: Status, after: Status) -> Vec<Told> {
    let mut told = Vec::new();
    let at_hand = |status: Status| matches!(status, Status::Booked | Status::Packed);
    let under_way = !at_hand(after) && !matches!(after, Status::Cancelled | Status::NotServed);
    if at_hand(before) && under_way {
        told.push(Told::HandedOver(HandedOver {}));
    }
    if before != after {
        match after {
            Status::Delivered => told.push(Told::Delivered(Delivered {})),
            Status::Delayed | Status::Damaged | Status::Lost | Status::Refused => {
                told.push(Told::Exception(Exception { state: words::wire_state(after).into() }));
            }
            Status::Booked | Status::Packed | Status::HandedOver | Status::InTransit => {}
            Status::Cancelled | Status::NotServed => {}
        }
    }
    told
}

fn event(key: &Key, kind: Told) -> Outgoing {
    let name = match &kind {
        Told::Booked(_) => "booked",
        Told::BookingFailed(_) => "booking_failed",
        Told::HandedOver(_) => "handed_over",
        Told::Delivered(_) => "delivered",
        Told::Exception(_) => "exception",
        Told::Cancelled(_) => "cancelled",
        Told::CancelRefused(_) => "cancel_refused",
    };
    let direction = words::wire_direction(key.direction).into();
    let message = LogisticsEvent { job: Some(words::wire_job(key)), direction, kind: Some(kind) };
    Outgoing::event("logistics", name, key.claim.0, &message)
}

/// The department is told; the customer is told by the orchestrator, which knows the customer's reference.
fn notice(shipment: &Shipment, template: &str, now: Timestamp) -> Outgoing {
    let state = words::wire_state(shipment.status).as_str_name().trim_start_matches("SHIPMENT_STATE_").to_owned();
    let tracking_no = shipment.booking.as_ref().map(|booking| booking.tracking_no.clone()).unwrap_or_default();
    let name = [shipment.id.to_string(), state.clone(), shipment.version.to_string()];
    Outgoing::notice(&Notice {
        notice_id: proto::ids::derived(now, &name.each_ref().map(String::as_str)).to_string(),
        audience: "logistics".to_owned(),
        template: template.to_owned(),
        parameters: [("state".to_owned(), state), ("tracking_no".to_owned(), tracking_no)].into(),
        claim_id: shipment.key.claim.to_string(),
        claim_number: String::new(),
        customer_ref: String::new(),
        raised_at: Some(proto::to_wire(now)),
    })
}

#[cfg(test)]
mod tests;
