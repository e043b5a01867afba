//! Who gets scarce stock: the oldest back-order first.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Event, Job, Place, ReservationState, State, Terms, Zone, evolve};

/// Fills the back-orders of `skus` with what is free, oldest first, and lets it happen.
pub fn fill(state: &mut State, terms: &Terms, now: Timestamp, skus: &BTreeSet<String>) -> Vec<Event> {
    let mut events = Vec::new();
    for sku in skus {
        // Without free stock the queue is not looked at: it may be long.
        if pick(state, sku, "", 1).is_empty() {
            continue;
        }
        for job in queue(state, sku) {
            let reservation = &state.reservations[&job];
            let taken = pick(state, sku, &reservation.batch, reservation.short());
            if taken.is_empty() {
                continue;
            }
            let whole = taken.iter().map(|(_, units)| units).sum::<u32>() == reservation.short();
            // A hold that is still partial runs out when it was going to; one that became whole starts anew.
            let expires_at = match reservation.expires_at {
                Some(at) if !whole => at,
                Some(_) | None => now + terms.hold,
            };
            let event = Event::Held { job, taken, expires_at };
            evolve(state, &event);
            events.push(event);
        }
    }
    events
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

/// Chooses up to `units` of a SKU from free qualified stock: a place that has all of them, so that one parcel is
/// enough; otherwise place by place.
pub(super) fn pick(state: &State, sku: &str, batch: &str, units: u32) -> Vec<(Place, u32)> {
    let start = Place { sku: sku.to_owned(), batch: String::new(), warehouse: String::new(), zone: Zone::Qualified };
    let free = || {
        state
            .stock
            .range(&start..)
            .take_while(|(place, _)| place.sku == sku)
            .filter(|(place, _)| place.zone == Zone::Qualified && (batch.is_empty() || place.batch == batch))
            .map(|(place, stock)| (place, u32::try_from(stock.free()).unwrap_or(u32::MAX)))
            .filter(|(_, free)| *free > 0)
    };
    if units == 0 {
        return Vec::new();
    }
    if let Some((place, _)) = free().find(|(_, free)| *free >= units) {
        return vec![(place.clone(), units)];
    }
    let mut missing = units;
    let mut taken = Vec::new();
    for (place, free) in free() {
        if missing == 0 {
            break;
        }
        let units = free.min(missing);
        missing -= units;
        taken.push((place.clone(), units));
    }
    taken
}
