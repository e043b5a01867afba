//! The rules of parcels: how a parcel is booked, tracked and called off.
#![deny(clippy::wildcard_enum_match_arm)]

mod choice;
mod days;
pub mod reason;
mod status;
mod transition;

use jiff::Timestamp;
use jiff::civil::Date;
use proto::ShipmentId;

pub use choice::{Carriers, Parcel};
pub use days::Days;
pub use proto::Job;
pub use proto::logistics::words::{DeliveryMode, Direction, TrackingReason};
pub use status::Status;
pub use transition::{Move, next};

use crate::refusal::refusals;

/// Changes of one parcel, after which only its end is recorded.
const SIGHTINGS_MAX: i64 = 500;

/// How the ids of what we notice ourselves begin. No carrier's begin so.
pub const OURS: &str = "redress.";

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Book a parcel with a carrier.
    Book {
        /// The job and direction.
        key: Key,
        /// What is carried.
        parcel: Parcel,
        /// The version of the policy pack that the claim goes by; 0: the oldest.
        policy_version: u32,
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
    /// Carriers saw something of many parcels: waybill number, and what was seen.
    ReportMany(Vec<(String, Sighting)>),
    /// The carrier has a number of its own for it, or another day.
    Confirm {
        /// Waybill number.
        tracking_no: String,
        /// The carrier's own.
        carrier_no: String,
        /// The day on which it comes, if it is another one.
        day: Option<Date>,
    },
    /// A day of it has passed.
    Due {
        /// Waybill number.
        tracking_no: String,
    },
}

/// Names a parcel: the job and the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The job.
    pub job: Job,
    /// Which way.
    pub direction: Direction,
}

/// What a carrier saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The carrier's own id of the event.
    pub id: String,
    /// State it leads to.
    pub state: Status,
    /// Why.
    pub reason: Option<TrackingReason>,
    /// When, by the carrier's clock.
    pub at: Timestamp,
    /// Code or place.
    pub detail: String,
    /// Last day of the collection.
    pub held_until: Option<Date>,
    /// The new day of what is late.
    pub expected_on: Option<Date>,
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
    /// A carrier's event was recorded.
    Seen {
        /// What was seen.
        sighting: Sighting,
        /// What it changed.
        effect: Effect,
    },
    /// We noticed something ourselves.
    Noticed(Sighting),
    /// The carrier has confirmed the booking.
    Confirmed {
        /// Its waybill number.
        carrier_no: String,
        /// The day on which it comes, if it is another one.
        day: Option<Date>,
    },
}

impl Event {
    /// What was seen, by a carrier or by us.
    pub fn sighting(&self) -> Option<&Sighting> {
        match self {
            Self::Seen { sighting, .. } | Self::Noticed(sighting) => Some(sighting),
            Self::Booked(_) | Self::NotServed | Self::Cancelled | Self::Confirmed { .. } => None,
        }
    }

    /// Whether something seen changed anything.
    pub fn changes(&self) -> bool {
        matches!(self, Self::Seen { effect: Effect::Moved { .. }, .. } | Self::Noticed(_))
    }
}

/// What a carrier's event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// Nothing, and people should know of it.
    Noted,
    /// Nothing for the claim: it is back with its sender.
    Back,
    /// It is there now, for the reason that was reported.
    Moved {
        /// Where.
        to: Status,
        /// The day on which it is expected now.
        expected_on: Option<Date>,
    },
}

/// What was agreed with a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// What is carried.
    pub parcel: Parcel,
    /// Carrier.
    pub carrier: String,
    /// DeliveryMode.
    pub mode: DeliveryMode,
    /// Waybill number.
    pub tracking_no: String,
    /// Cost in minor units.
    pub cost_minor: i64,
    /// Currency of the cost.
    pub currency: String,
    /// Promised day (S3-22).
    pub promised_on: Date,
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
    /// Why it is there.
    pub reason: Option<TrackingReason>,
    /// What was agreed; none: it was called off before it was booked, or nobody serves the place.
    pub booking: Option<Booking>,
    /// The carrier's own waybill number.
    pub carrier_no: Option<String>,
    /// Last day of the collection, if it waits for one, or has waited in vain.
    pub held_until: Option<Date>,
    /// The day on which it is expected now, if it is not the promised one.
    pub expected_on: Option<Date>,
    /// That its day has passed was noticed.
    pub overdue: bool,
    /// When it came to where it is, by the carrier's clock; none: no carrier has moved it.
    pub moved_at: Option<Timestamp>,
    /// Row version.
    pub version: i64,
}

refusals! {
    /// Nobody knows the waybill number.
    NotFound { shipment: String } = NotFound, "NOT_FOUND", "there is no such shipment";
    /// So much was seen of it that only how it ends is recorded (P56).
    TooMuchSeen = FailedPrecondition, "CLAIM_TOO_LARGE", "too much was reported of this shipment; only how it ends is taken";
    /// Another parcel has the waybill number.
    WaybillTaken { carrier_tracking_no: String } = AlreadyExists, "WAYBILL_TAKEN", "another parcel has this waybill number";
    /// It cannot go from its state to that one.
    IllegalTransition { from: Status, to: Status } =
        FailedPrecondition, "ILLEGAL_TRANSITION", "the shipment cannot go from its state to that one";
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
        promised_on: days::after(today, carrier.days),
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

/// Decides what a carrier's event means. A known, late or older one changes nothing.
pub fn report(
    shipment: &Shipment,
    seen_before: bool,
    sighting: &Sighting,
    today: Date,
    days: &Days,
) -> Result<Vec<Event>, Refusal> {
    if seen_before {
        return Ok(Vec::new());
    }
    let ends = matches!(sighting.state, Status::Delivered | Status::Damaged | Status::Lost | Status::Refused);
    if shipment.version >= SIGHTINGS_MAX && !ends {
        return Err(Refusal::TooMuchSeen);
    }
    let moved = |to| {
        let late = || days.late(shipment, today);
        let expected_on = (to == Status::Delayed).then(|| sighting.expected_on.unwrap_or_else(late));
        Effect::Moved { to, expected_on }
    };
    let effect = match transition::seen(shipment, sighting) {
        Move::Back if was_collected(shipment, sighting, days) => moved(Status::Delivered),
        Move::Ahead => moved(sighting.state),
        Move::News => moved(shipment.status),
        Move::Behind => Effect::Nothing,
        Move::Noted => Effect::Noted,
        Move::Back => Effect::Back,
        Move::Illegal => return Err(Refusal::IllegalTransition { from: shipment.status, to: sighting.state }),
    };
    Ok(vec![Event::Seen { sighting: sighting.clone(), effect }])
}

/// It was taken for not collected because its last day had passed, and had been collected by then.
fn was_collected(shipment: &Shipment, sighting: &Sighting, days: &Days) -> bool {
    let in_time = shipment.held_until.is_some_and(|until| days.of(sighting.at) <= until);
    sighting.state == Status::Delivered && shipment.reason == Some(TrackingReason::NotCollected) && in_time
}

/// Decides what it means that a day of a parcel has passed.
pub fn due(shipment: &Shipment, now: Timestamp, days: &Days) -> Vec<Event> {
    days::passed(shipment, now, days).into_iter().map(Event::Noticed).collect()
}

/// Decides what the carrier's number and day mean. The same again is nothing new.
pub fn confirm(shipment: &Shipment, taken: bool, carrier_no: &str, day: Option<Date>) -> Result<Vec<Event>, Refusal> {
    if taken {
        return Err(Refusal::WaybillTaken { carrier_tracking_no: carrier_no.to_owned() });
    }
    if matches!(shipment.status, Status::Cancelled | Status::NotServed) {
        return Err(Refusal::IllegalTransition { from: shipment.status, to: Status::Booked });
    }
    let day = day.filter(|day| shipment.promised() != Some(*day));
    let waits = shipment.reason.is_some_and(reason::is_of_pickup);
    if shipment.carrier_no.as_deref() == Some(carrier_no) && day.is_none() && !waits {
        return Ok(Vec::new());
    }
    Ok(vec![Event::Confirmed { carrier_no: carrier_no.to_owned(), day }])
}

/// What a parcel is after an event.
pub fn evolve(id: ShipmentId, key: Key, known: Option<Shipment>, event: &Event) -> Shipment {
    let mut shipment = known.unwrap_or_else(|| Shipment::new(id, key));
    shipment.version += 1;
    match event {
        Event::Booked(booking) => shipment.booking = Some(booking.clone()),
        Event::NotServed => shipment.status = Status::NotServed,
        Event::Cancelled => (shipment.status, shipment.reason) = (Status::Cancelled, None),
        Event::Seen { sighting, effect } => shipment.see(sighting, *effect),
        Event::Noticed(sighting) => {
            (shipment.status, shipment.reason) = (sighting.state, sighting.reason);
            shipment.overdue |= sighting.reason == Some(TrackingReason::Overdue);
            shipment.expected_on = sighting.expected_on.or(shipment.expected_on);
        }
        Event::Confirmed { carrier_no, day } => {
            shipment.carrier_no = Some(carrier_no.clone());
            shipment.reason = shipment.reason.filter(|reason| !reason::is_of_pickup(*reason));
            if day.is_some() {
                (shipment.expected_on, shipment.overdue) = (*day, false);
                shipment.reason = shipment.reason.filter(|reason| *reason != TrackingReason::Overdue);
            }
        }
    }
    shipment
}

impl Shipment {
    /// Whether it is a parcel of a carrier; of `None`: whoever carries it.
    pub fn is_of(&self, carrier: Option<&str>) -> bool {
        carrier.is_none_or(|carrier| self.booking.as_ref().is_some_and(|booking| booking.carrier == carrier))
    }

    /// Whether somebody is to bring, fetch, look for or send it again.
    pub fn is_open(&self) -> bool {
        self.booking.is_some() && !matches!(self.status, Status::Delivered | Status::Cancelled | Status::NotServed)
    }

    fn new(id: ShipmentId, key: Key) -> Self {
        Self {
            id,
            key,
            status: Status::Booked,
            reason: None,
            booking: None,
            carrier_no: None,
            held_until: None,
            expected_on: None,
            overdue: false,
            moved_at: None,
            version: 0,
        }
    }

    fn see(&mut self, sighting: &Sighting, effect: Effect) {
        match effect {
            Effect::Nothing | Effect::Noted => {}
            Effect::Back => (self.reason, self.held_until) = (Some(TrackingReason::ReturnedToSender), None),
            Effect::Moved { to, expected_on } => {
                let damaged = self.status == Status::Damaged || sighting.state == Status::Damaged;
                let found_damaged = (to == Status::Delivered && damaged).then_some(TrackingReason::DeliveredDamaged);
                self.reason = sighting.reason.or(found_damaged);
                self.held_until = sighting.held_until;
                // A new day is a new promise; one that we reckon ourselves is none.
                self.overdue &= sighting.expected_on.is_none();
                self.expected_on = expected_on.or(self.expected_on);
                (self.status, self.moved_at) = (to, Some(sighting.at));
            }
        }
    }
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
