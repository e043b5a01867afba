//! The rules of logistics: how a parcel is booked, tracked and called off.
#![deny(clippy::wildcard_enum_match_arm)]

mod choice;
mod transition;

use jiff::Timestamp;
use jiff::civil::Date;
use proto::{ClaimId, ShipmentId};

pub use choice::{Carriers, Parcel};
pub use proto::policy::logistics::Mode;
pub use transition::{Move, next};

/// Changes of one parcel, after which only its end is recorded.
const SIGHTINGS_MAX: i64 = 500;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Book a parcel with a carrier.
    Book {
        /// The job and direction.
        key: Key,
        /// What is carried.
        parcel: Parcel,
    },
    /// Call a parcel off.
    Cancel {
        /// The job and direction.
        key: Key,
    },
    /// A carrier saw something.
    Report {
        /// Waybill number.
        tracking_no: String,
        /// What was seen.
        sighting: Sighting,
    },
}

/// Names a parcel: the job and the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The claim.
    pub claim: ClaimId,
    /// Which way.
    pub direction: Direction,
    /// Round of the claim.
    pub round: u32,
    /// Line of the claim.
    pub line: u32,
    /// Attempt at this leg.
    pub attempt: u32,
}

/// Which way the goods go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// To the customer.
    Outbound,
    /// From the customer.
    Return,
}

/// What a carrier saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The carrier's own id of the event.
    pub id: String,
    /// State it leads to.
    pub state: Status,
    /// When, by the carrier's clock.
    pub at: Timestamp,
    /// Code or place.
    pub detail: String,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A carrier takes it.
    Booked(Booking),
    /// No carrier serves the place.
    NotServed,
    /// Called off.
    Cancelled,
    /// A carrier's event was recorded; it may have changed the state.
    Seen {
        /// What was seen.
        sighting: Sighting,
        /// State it led to; none: it changed nothing.
        to: Option<Status>,
    },
}

/// What was agreed with a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// What is carried.
    pub parcel: Parcel,
    /// Carrier.
    pub carrier: String,
    /// Mode.
    pub mode: Mode,
    /// Waybill number.
    pub tracking_no: String,
    /// Cost in minor units.
    pub cost_minor: i64,
    /// Currency of the cost.
    pub currency: String,
    /// Promised day (S3-22).
    pub promised_on: Date,
}

/// Where a parcel is. The same list is a CHECK in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Booked with the carrier.
    Booked,
    /// Picked, checked and packed.
    Packed,
    /// Handed over, or collected from the customer.
    HandedOver,
    /// Under way.
    InTransit,
    /// Late, still under way.
    Delayed,
    /// Delivered.
    Delivered,
    /// Damaged on the way.
    Damaged,
    /// Lost.
    Lost,
    /// Refused by the receiver.
    Refused,
    /// Called off before it was handed over.
    Cancelled,
    /// No carrier serves the place.
    NotServed,
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Names it.
    pub id: ShipmentId,
    /// The job and direction.
    pub key: Key,
    /// Where it is.
    pub status: Status,
    /// What was agreed; none: it was called off before it was booked, or nobody serves the place.
    pub booking: Option<Booking>,
    /// When it came to where it is, by the carrier's clock; none: no carrier has moved it.
    pub moved_at: Option<Timestamp>,
    /// Row version.
    pub version: i64,
}

/// What a carrier's report is refused for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody knows the waybill number.
    #[error("there is no such shipment")]
    NotFound {
        /// Waybill number.
        tracking_no: String,
    },
    /// So much was seen of it that only how it ends is recorded (P56).
    #[error("too much was reported of this shipment; only how it ends is taken")]
    TooMuchSeen,
    /// It cannot go from its state to that one.
    #[error("a shipment cannot go from {from:?} to {to:?}")]
    IllegalTransition {
        /// State it is in.
        from: Status,
        /// State that was reported.
        to: Status,
    },
}

/// Decides what an order to book means for a job: nothing if the job is known.
pub fn book(known: Option<&Shipment>, id: ShipmentId, today: Date, carriers: &Carriers, parcel: &Parcel) -> Vec<Event> {
    if known.is_some() {
        return Vec::new();
    }
    let Some((carrier, cost_minor)) = carriers.choose(parcel) else { return vec![Event::NotServed] };
    vec![Event::Booked(Booking {
        parcel: parcel.clone(),
        carrier: carrier.name.clone(),
        mode: carrier.mode,
        tracking_no: tracking_no(id),
        cost_minor,
        currency: carriers.currency.clone(),
        promised_on: today.saturating_add(jiff::Span::new().days(i64::from(carrier.days))),
    })]
}

/// Decides what calling off means: it succeeds until the parcel is handed over. What never was is called off too, and
/// remembered; so is what nobody serves, which a later order must not ask for again.
pub fn cancel(known: Option<&Shipment>) -> Vec<Event> {
    match known.map(|shipment| shipment.status) {
        None | Some(Status::Booked | Status::Packed | Status::NotServed) => vec![Event::Cancelled],
        Some(Status::Cancelled) => Vec::new(),
        Some(Status::HandedOver | Status::InTransit | Status::Delayed | Status::Delivered) => Vec::new(),
        Some(Status::Damaged | Status::Lost | Status::Refused) => Vec::new(),
    }
}

/// Decides what a carrier's event means. A known or older one changes nothing.
pub fn report(shipment: &Shipment, seen_before: bool, sighting: &Sighting) -> Result<Vec<Event>, Refusal> {
    if seen_before {
        return Ok(Vec::new());
    }
    let ends = matches!(sighting.state, Status::Delivered | Status::Damaged | Status::Lost | Status::Refused);
    if shipment.version >= SIGHTINGS_MAX && !ends {
        return Err(Refusal::TooMuchSeen);
    }
    let is_older = shipment.moved_at.is_some_and(|moved_at| sighting.at < moved_at);
    match next(shipment.key.direction, shipment.status, sighting.state, is_older) {
        Move::Ahead => Ok(vec![Event::Seen { sighting: sighting.clone(), to: Some(sighting.state) }]),
        Move::Behind => Ok(vec![Event::Seen { sighting: sighting.clone(), to: None }]),
        Move::Illegal => Err(Refusal::IllegalTransition { from: shipment.status, to: sighting.state }),
    }
}

/// What a parcel is after an event.
pub fn evolve(id: ShipmentId, key: Key, known: Option<Shipment>, event: &Event) -> Shipment {
    let fresh = Shipment { id, key, status: Status::Booked, booking: None, moved_at: None, version: 0 };
    let mut shipment = known.unwrap_or(fresh);
    shipment.version += 1;
    match event {
        Event::Booked(booking) => shipment.booking = Some(booking.clone()),
        Event::NotServed => shipment.status = Status::NotServed,
        Event::Cancelled => shipment.status = Status::Cancelled,
        Event::Seen { sighting, to: Some(to) } => {
            shipment.status = *to;
            shipment.moved_at = Some(sighting.at);
        }
        Event::Seen { to: None, .. } => {}
    }
    shipment
}

/// The waybill number: derived from the id, so that asking again gives the same.
fn tracking_no(id: ShipmentId) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut bits = u128::from_be_bytes(*id.0.as_bytes());
    let mut text = "RX".to_owned();
    for _ in 0..12 {
        let letter = usize::try_from(bits & 31).unwrap_or(0);
        text.push(char::from(LETTERS[letter]));
        bits >>= 5;
    }
    text
}

#[cfg(test)]
mod tests;
