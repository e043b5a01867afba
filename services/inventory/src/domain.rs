//! Goods, where they are, and to whom they are promised. Pure: no database, no broker, no clock.
//!
//! - Stock is on hand at a place (SKU, batch, warehouse, zone); only the ledger of movements changes it (S4-33).
//! - A reservation holds units of qualified zones: available = on hand - reserved, never negative (domain rule 4).
//!   What is missing is back-ordered, and filled oldest first as soon as there is stock of a batch that may go out.
//! - Returns are counted receipt by receipt. Each unit has two answers, whether it counts for the claim and whether it can
//!   be sold again, and lies in one place: qualified stock, or pending_inspection (domain rule 6).
//! - Everything about a job is idempotent: asked again, it stands where it stood.
//!
//! What concerns one noun alone is in its folder; here is what they share, and what follows from one for another.
#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proto::policy::Dated;
use uuid::Uuid;

pub use crate::command::Command;
pub use crate::refusal::Refusal;
pub use crate::reservation::domain::{BatchRule, Job, Reservation, ReservationState, Wanted};
pub use crate::returns::domain::{Disposition, Receipt, Return, ReturnReason, ReturnState, Waiting, is_complete};
pub use crate::stock::domain::{Delivery, GoodsLine, MovementKind, Place, Sku, Stock, Warehouse, Zone};
use crate::{reservation, returns, stock};

/// Rules that are data.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long a hold lasts that is not committed.
    pub hold: SignedDuration,
    /// Days until missing units are expected.
    pub lead_time_days: u32,
    /// Where days begin and end.
    pub zone: TimeZone,
    /// Several batches may go out together.
    pub mix_batches: bool,
}

/// What a batch of commands looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// SKUs that are registered.
    pub skus: BTreeSet<String>,
    /// Warehouses, with the custodian of their valuables zone.
    pub warehouses: BTreeMap<String, String>,
    /// Stock by place.
    pub stock: BTreeMap<Place, Stock>,
    pub reservations: BTreeMap<Job, Reservation>,
    pub returns: BTreeMap<Job, Return>,
    /// Contents of deliveries, by warehouse and document.
    pub deliveries: BTreeMap<(String, String), Uuid>,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To stock.
    Stock(stock::domain::Event),
    /// To a reservation.
    Reservation(reservation::domain::Event),
    /// To a return.
    Return(returns::domain::Event),
}

impl From<stock::domain::Event> for Event {
    fn from(event: stock::domain::Event) -> Self {
        Self::Stock(event)
    }
}

impl From<reservation::domain::Event> for Event {
    fn from(event: reservation::domain::Event) -> Self {
        Self::Reservation(event)
    }
}

impl From<returns::domain::Event> for Event {
    fn from(event: returns::domain::Event) -> Self {
        Self::Return(event)
    }
}

/// Decides a command and lets it happen, with all that follows from it: freed stock fills back-orders, oldest first.
/// On `Err` the state is unchanged.
pub fn execute(
    state: &mut State,
    terms: &Dated<Terms>,
    now: Timestamp,
    command: &Command,
) -> Result<Vec<Event>, Refusal> {
    let mut events = decide(state, terms, now, command)?;
    for event in &events {
        evolve(state, event);
    }
    let follow = reservation::fill::fill(state, terms, now, &freed(state, &events));
    events.extend(follow.into_iter().map(Event::Reservation));
    Ok(events)
}

fn decide(state: &State, terms: &Dated<Terms>, now: Timestamp, command: &Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Stock(command) => stock::domain::decide(state, command),
        Command::Reservation(command) => {
            let version = command.policy_version();
            reservation::domain::decide(state, terms.of_claim(version)?, now, command)
        }
        Command::Return(command) => returns::domain::decide(state, command),
    }
}

fn evolve(state: &mut State, event: &Event) {
    match event {
        Event::Stock(event) => stock::domain::evolve(state, event),
        Event::Reservation(event) => reservation::domain::evolve(state, event),
        Event::Return(event) => returns::domain::evolve(state, event),
    }
}

/// What an event is about: decide has seen it.
pub(crate) fn known<'a, T>(map: &'a mut BTreeMap<Job, T>, job: &Job) -> &'a mut T {
    map.get_mut(job).expect("an event is about what decide has seen")
}

/// SKUs of which stock may have become available.
fn freed(state: &State, events: &[Event]) -> BTreeSet<String> {
    use reservation::domain::Event::{Expired, Released};
    let mut skus = BTreeSet::new();
    for event in events {
        match event {
            Event::Stock(stock::domain::Event::Moved { place, quantity, .. })
                if *quantity > 0 && place.zone == Zone::Qualified =>
            {
                skus.insert(place.sku.clone());
            }
            Event::Reservation(Released(job, _) | Expired(job)) => {
                let sku = state.reservations.get(job).map(|reservation| reservation.sku.clone());
                skus.extend(sku.filter(|sku| !sku.is_empty()));
            }
            Event::Stock(_) | Event::Reservation(_) | Event::Return(_) => {}
        }
    }
    skus
}

#[cfg(test)]
mod tests;
