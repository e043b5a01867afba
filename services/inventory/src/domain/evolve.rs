//! What an event changes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    BatchRule, Event, GoodsLine, Job, Place, Receipt, Reservation, ReservationState, Return, ReturnReason, ReturnState,
    State, Wanted,
};

/// Lets an event happen.
pub fn evolve(state: &mut State, event: &Event) {
    match event {
        Event::SkuRegistered { sku, .. } => drop(state.skus.insert(sku.clone())),
        Event::WarehouseRegistered(warehouse) => {
            state.warehouses.insert(warehouse.warehouse.clone(), warehouse.custodian.clone());
        }
        Event::DeliveryBooked(delivery) => {
            let key = (delivery.warehouse.clone(), delivery.document.clone());
            state.deliveries.insert(key, delivery.contents);
        }
        Event::Moved { place, quantity, .. } => {
            let stock = state.stock.entry(place.clone()).or_default();
            stock.on_hand += quantity;
            stock.moves += 1;
        }
        Event::ReservationOpened { job, wanted, commit, queued_at, expires_at, expected_on } => {
            let opened = Reservation {
                commit: *commit,
                expires_at: Some(*expires_at),
                expected_on: Some(*expected_on),
                ..reservation(wanted, ReservationState::HeldPartly, *queued_at)
            };
            state.reservations.insert(*job, opened);
        }
        Event::Held { job, taken, instead, expires_at } => {
            if *instead {
                let_go(state, job);
            }
            hold(state, job, taken, *expires_at);
        }
        Event::Promised(job) => {
            let reservation = known(&mut state.reservations, job);
            reservation.commit = true;
            settle(reservation);
        }
        Event::ReservationFailed { job, wanted, state: why, at } => {
            state.reservations.insert(*job, reservation(wanted, *why, *at));
        }
        Event::Consumed(job) => end(state, job, ReservationState::Consumed),
        Event::Released(job, at) => {
            let (sku, batch) = (String::new(), String::new());
            let never = Wanted { sku, batch, rule: BatchRule::Any, quantity: 0, policy_version: 0 };
            let remembered = || Reservation { version: 0, ..reservation(&never, ReservationState::Released, *at) };
            state.reservations.entry(*job).or_insert_with(remembered);
            end(state, job, ReservationState::Released);
        }
        Event::Expired(job) => end(state, job, ReservationState::Expired),
        Event::ReturnExpected { job, announced, reason } => {
            state.returns.insert(*job, expected(announced, *reason, ReturnState::Expected));
        }
        Event::ReturnCounted { job, receipt, qualified, .. } => {
            count(known(&mut state.returns, job), receipt, *qualified);
        }
        Event::ReturnCancelled(job) => {
            let never = GoodsLine { sku: String::new(), batch: String::new(), quantity: 0 };
            let reason = None;
            let remembered = || Return { version: 0, ..expected(&never, reason, ReturnState::Cancelled) };
            let cancelled = state.returns.entry(*job).or_insert_with(remembered);
            cancelled.state = ReturnState::Cancelled;
            cancelled.version += 1;
        }
        Event::ReturnDisposed { job, warehouse, own, wrong_item } => {
            let disposed = known(&mut state.returns, job);
            disposed.version += 1;
            let waiting = disposed.waiting.entry(warehouse.clone()).or_default();
            waiting.own -= own;
            waiting.wrong_item -= wrong_item;
        }
    }
}

fn known<'a, T>(map: &'a mut BTreeMap<Job, T>, job: &Job) -> &'a mut T {
    map.get_mut(job).expect("an event is about what decide has seen")
}

fn reservation(wanted: &Wanted, state: ReservationState, queued_at: Timestamp) -> Reservation {
    Reservation {
        sku: wanted.sku.clone(),
        batch: wanted.batch.clone(),
        rule: wanted.rule,
        wanted: wanted.quantity,
        policy_version: wanted.policy_version,
        commit: false,
        state,
        allocations: BTreeMap::new(),
        queued_at,
        expires_at: None,
        expected_on: None,
        version: 1,
    }
}

fn expected(announced: &GoodsLine, reason: Option<ReturnReason>, state: ReturnState) -> Return {
    Return {
        sku: announced.sku.clone(),
        batch: announced.batch.clone(),
        announced: announced.quantity,
        reason,
        accepted: 0,
        damaged: 0,
        wrong_item: 0,
        unsalable: 0,
        not_as_claimed: 0,
        other_sku: String::new(),
        state,
        waiting: BTreeMap::new(),
        version: 1,
    }
}

fn hold(state: &mut State, job: &Job, taken: &[(Place, u32)], expires_at: Timestamp) {
    let reservation = known(&mut state.reservations, job);
    for (place, units) in taken {
        *reservation.allocations.entry(place.clone()).or_default() += units;
        state.stock.entry(place.clone()).or_default().reserved += i64::from(*units);
    }
    reservation.expires_at = Some(expires_at);
    settle(reservation);
}

/// The state of an open reservation follows from what it holds and whether it is promised.
fn settle(reservation: &mut Reservation) {
    reservation.version += 1;
    if reservation.held() < reservation.wanted {
        return;
    }
    reservation.expected_on = None;
    if reservation.commit {
        reservation.state = ReservationState::Committed;
        reservation.expires_at = None;
    } else {
        reservation.state = ReservationState::Held;
    }
}

/// What it holds is free again.
fn let_go(state: &mut State, job: &Job) {
    let reservation = known(&mut state.reservations, job);
    for (place, units) in std::mem::take(&mut reservation.allocations) {
        state.stock.entry(place).or_default().reserved -= i64::from(units);
    }
}

fn end(state: &mut State, job: &Job, to: ReservationState) {
    let_go(state, job);
    let reservation = known(&mut state.reservations, job);
    reservation.state = to;
    reservation.expires_at = None;
    reservation.expected_on = None;
    reservation.version += 1;
}

fn count(counted: &mut Return, receipt: &Receipt, qualified: u32) {
    let was_closed = counted.state == ReturnState::ClosedShort;
    counted.add(receipt);
    counted.version += 1;
    if receipt.units() > qualified {
        let waiting = counted.waiting.entry(receipt.warehouse.clone()).or_default();
        waiting.own += receipt.own() - qualified;
        waiting.wrong_item += receipt.wrong_item;
    }
    counted.state = if counted.came() >= counted.announced {
        ReturnState::FullyReceived
    } else if receipt.last || was_closed {
        ReturnState::ClosedShort
    } else {
        ReturnState::PartlyReceived
    };
}
