//! Who gets scarce stock: the oldest back-order first, from a batch that may go out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proto::policy::Dated;

use super::domain::{BatchRule, Event, Job, Reservation, ReservationState, Wanted, evolve};
use crate::domain::{State, Terms};
use crate::stock::domain::{Place, Zone};

/// Fills the back-orders of `skus` with what is free, oldest first, and lets it happen.
pub fn fill(state: &mut State, terms: &Dated<Terms>, now: Timestamp, skus: &BTreeSet<String>) -> Vec<Event> {
    let mut events = Vec::new();
    for sku in skus {
        // Who takes another batch instead gives one back: from the oldest on all are asked once more.
        while fill_once(state, terms, now, sku, &mut events) {}
    }
    events
}

/// Whether something was given back on the way.
fn fill_once(state: &mut State, terms: &Dated<Terms>, now: Timestamp, sku: &str, events: &mut Vec<Event>) -> bool {
    // Without free stock the queue is not looked at: it may be long.
    if places(state, sku).next().is_none() {
        return false;
    }
    for job in queue(state, sku) {
        let reservation = &state.reservations[&job];
        // Whose rules are not loaded waits until they are.
        let Ok(terms) = terms.of_claim(reservation.policy_version) else { continue };
        let Pick { taken, instead } = pick(state, terms, &reservation.asked(), Some(reservation));
        if taken.is_empty() {
            continue;
        }
        let whole = instead || units(&taken) == reservation.short();
        // A hold that is still partial runs out when it was going to; one that became whole starts anew.
        let expires_at = match reservation.expires_at {
            Some(at) if !whole => at,
            Some(_) | None => now + terms.hold,
        };
        let event = Event::Held { job, taken, instead, expires_at };
        evolve(state, &event);
        events.push(event);
        if instead {
            return true;
        }
    }
    false
}

/// Back-orders of a SKU, oldest first.
fn queue(state: &State, sku: &str) -> Vec<Job> {
    let waits = |state: ReservationState| state == ReservationState::HeldPartly;
    let mut queue: Vec<(Timestamp, Job)> = state
        .reservations
        .iter()
        .filter(|(_, reservation)| reservation.sku == sku && waits(reservation.state))
        .map(|(job, reservation)| (reservation.queued_at, *job))
        .collect();
    queue.sort_unstable();
    queue.into_iter().map(|(_, job)| job).collect()
}

/// What is taken for a reservation.
#[derive(Default)]
pub(super) struct Pick {
    /// Units by place.
    pub taken: Vec<(Place, u32)>,
    /// In place of all that it holds.
    pub instead: bool,
}

type Free<'a> = Vec<(&'a Place, u32)>;

/// Chooses what a reservation gets of the free qualified stock: a place that has all that is missing, so that one parcel is
/// enough; else a batch that has it; else, if batches may be mixed, place by place, and if not, what one batch has. Who
/// holds a part of one batch takes all of another as soon as that has enough.
pub(super) fn pick(state: &State, terms: &Terms, wanted: &Wanted, holds: Option<&Reservation>) -> Pick {
    let short = holds.map_or(wanted.quantity, Reservation::short);
    let free: Free = places(state, &wanted.sku).filter(|(place, _)| suits(wanted, &place.batch)).collect();
    if short == 0 || free.is_empty() {
        return Pick::default();
    }
    let mut batches: BTreeMap<String, Free> = BTreeMap::new();
    for (place, units) in &free {
        batches.entry(batch_key(&place.batch)).or_default().push((place, *units));
    }
    let mixes = terms.mix_batches && matches!(wanted.rule, BatchRule::Any | BatchRule::Other);
    let held = holds.and_then(|holds| holds.allocations.keys().next()).filter(|_| !mixes);
    let Some(held) = held.map(|place| batch_key(&place.batch)) else {
        let whole = batches.values().find(|free| sum(free) >= short);
        let one = free.iter().find(|(_, units)| *units >= short).map(|place| vec![*place]);
        // Of several that are not enough, the largest, and of equals the first.
        let largest = || batches.values().rev().max_by_key(|free| sum(free)).filter(|_| !mixes);
        let from = one.as_ref().or(whole).or_else(largest).unwrap_or(&free);
        return Pick { taken: take(from, short), instead: false };
    };
    let more = batches.get(&held).map_or(&[][..], Vec::as_slice);
    let other = batches.iter().find(|(key, free)| **key != held && sum(free) >= wanted.quantity);
    match other.filter(|_| sum(more) < short) {
        Some((_, free)) => Pick { taken: take(free, wanted.quantity), instead: true },
        None => Pick { taken: take(more, short), instead: false },
    }
}

/// Whether goods of a batch may go out.
fn suits(wanted: &Wanted, batch: &str) -> bool {
    match wanted.rule {
        BatchRule::Any | BatchRule::Single => true,
        BatchRule::Other => batch_key(batch) != batch_key(&wanted.batch),
        BatchRule::Same => batch_key(batch) == batch_key(&wanted.batch),
    }
}

/// Whether goods of the batch that is wanted were ever in stock.
pub(super) fn is_known(state: &State, wanted: &Wanted) -> bool {
    let mut known = state.stock.range(first(&wanted.sku)..).take_while(|(place, _)| place.sku == wanted.sku);
    known.any(|(place, _)| batch_key(&place.batch) == batch_key(&wanted.batch))
}

/// What makes two spellings of a batch the same: people type it, scanners add blanks.
pub(super) fn batch_key(batch: &str) -> String {
    batch.trim().to_lowercase()
}

/// Free qualified stock of a SKU, in the order of picking.
fn places<'a>(state: &'a State, sku: &'a str) -> impl Iterator<Item = (&'a Place, u32)> + 'a {
    let all = state.stock.range(first(sku)..).take_while(move |(place, _)| place.sku == sku);
    all.filter(|(place, _)| place.zone == Zone::Qualified)
        .map(|(place, stock)| (place, u32::try_from(stock.free()).unwrap_or(u32::MAX)))
        .filter(|(_, free)| *free > 0)
}

fn first(sku: &str) -> Place {
    Place { sku: sku.to_owned(), batch: String::new(), warehouse: String::new(), zone: Zone::Qualified }
}

fn take(from: &[(&Place, u32)], units: u32) -> Vec<(Place, u32)> {
    if let Some((place, _)) = from.iter().find(|(_, free)| *free >= units) {
        return vec![((*place).clone(), units)];
    }
    let mut missing = units;
    let mut taken = Vec::new();
    for (place, free) in from {
        let units = (*free).min(missing);
        missing -= units;
        if units > 0 {
            taken.push(((*place).clone(), units));
        }
    }
    taken
}

fn sum(free: &[(&Place, u32)]) -> u32 {
    free.iter().fold(0, |sum, (_, units)| sum.saturating_add(*units))
}

fn units(taken: &[(Place, u32)]) -> u32 {
    taken.iter().map(|(_, units)| units).sum()
}
