//! What a command leads to.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

use super::fill::{Pick, is_known, pick};
use super::{
    BatchRule, Command, Delivery, Event, GoodsLine, Job, MovementKind, Place, Refusal, ReservationState, State, Terms,
    Wanted, Zone, returns,
};

/// Decides a command. Nothing happens until its events are evolved.
pub fn decide(state: &State, terms: &Terms, now: Timestamp, command: &Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::RegisterSkus(skus) => {
            let registered = |sku: &super::Sku| Event::SkuRegistered {
                sku: sku.sku.clone(),
                description: Some(sku.description.clone()),
            };
            Ok(skus.iter().map(registered).collect())
        }
        Command::RegisterWarehouse(warehouse) => Ok(vec![Event::WarehouseRegistered(warehouse.clone())]),
        Command::ReceiveGoods { warehouse, zone, document, lines } => {
            receive_goods(state, warehouse, *zone, document, lines)
        }
        Command::AdjustStock { place, delta, reason } => adjust(state, place, *delta, reason),
        Command::MoveStock { from, to, quantity, reason } => move_stock(state, from, *to, *quantity, reason),
        Command::Reserve { job, wanted, commit } => reserve(state, terms, now, *job, wanted, *commit),
        Command::Consume(job) => consume(state, job),
        Command::Release(job) => Ok(release(state, job, now)),
        Command::Expire(job, due_at) => Ok(expire(state, job, *due_at)),
        Command::ExpectReturn { job, announced, reason } => returns::expect(state, job, announced, *reason),
        Command::CancelReturn(job) => Ok(returns::cancel(state, job)),
        Command::ReceiveReturn { job, version, receipt } => returns::receive(state, job, *version, receipt),
        Command::DisposeReturn { job, quantity, disposition, other_sku } => {
            returns::dispose(state, job, *quantity, *disposition, other_sku)
        }
    }
}

pub(super) fn check_place(state: &State, warehouse: &str, zone: Zone) -> Result<(), Refusal> {
    let custodian = state.warehouses.get(warehouse).ok_or_else(|| Refusal::UnknownWarehouse(warehouse.to_owned()))?;
    // S4-38: valuables are in somebody's care.
    if zone == Zone::Valuables && custodian.is_empty() {
        return Err(Refusal::NoCustodian(warehouse.to_owned()));
    }
    Ok(())
}

pub(super) fn check_sku(state: &State, sku: &str) -> Result<(), Refusal> {
    if state.skus.contains(sku) { Ok(()) } else { Err(Refusal::UnknownSku(sku.to_owned())) }
}

fn receive_goods(
    state: &State,
    warehouse: &str,
    zone: Zone,
    document: &str,
    lines: &[GoodsLine],
) -> Result<Vec<Event>, Refusal> {
    check_place(state, warehouse, zone)?;
    let mut events = Vec::new();
    // Without a document nothing tells one delivery from another.
    if !document.is_empty() {
        let key = (warehouse.to_owned(), document.to_owned());
        let contents = contents(zone, lines);
        match state.deliveries.get(&key) {
            Some(known) if *known == contents => return Ok(events),
            Some(_) => return Err(Refusal::DocumentReused(key.1)),
            None => events.push(Event::DeliveryBooked(Delivery { warehouse: key.0, document: key.1, contents })),
        }
    }
    let moved = |line: &GoodsLine| {
        check_sku(state, &line.sku)?;
        let place = place(&line.sku, &line.batch, warehouse, zone);
        Ok(moved(&place, MovementKind::Receipt, i64::from(line.quantity), document))
    };
    let moves = lines.iter().map(moved).collect::<Result<Vec<Event>, Refusal>>()?;
    events.extend(moves);
    Ok(events)
}

/// Names what a delivery brings, in whatever order and portions its lines are.
fn contents(zone: Zone, lines: &[GoodsLine]) -> Uuid {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in lines {
        *sums.entry((&line.sku, &line.batch)).or_default() += u64::from(line.quantity);
    }
    let sums: Vec<(&str, &str, String)> =
        sums.into_iter().map(|((sku, batch), units)| (sku, batch, units.to_string())).collect();
    let parts = sums.iter().flat_map(|(sku, batch, units)| [*sku, *batch, units.as_str()]);
    let parts: Vec<&str> = std::iter::once(zone.word()).chain(parts).collect();
    proto::ids::derived(Timestamp::UNIX_EPOCH, &parts)
}

fn adjust(state: &State, place: &Place, delta: i64, reason: &str) -> Result<Vec<Event>, Refusal> {
    check_place(state, &place.warehouse, place.zone)?;
    check_sku(state, &place.sku)?;
    let free = state.stock.get(place).map_or(0, super::Stock::free);
    if free + delta < 0 {
        return Err(Refusal::OutOfStock { free });
    }
    Ok(vec![moved(place, MovementKind::Adjustment, delta, reason)])
}

fn move_stock(state: &State, from: &Place, to: Zone, quantity: u32, reason: &str) -> Result<Vec<Event>, Refusal> {
    check_place(state, &from.warehouse, from.zone)?;
    check_place(state, &from.warehouse, to)?;
    check_sku(state, &from.sku)?;
    let (free, quantity) = (state.stock.get(from).map_or(0, super::Stock::free), i64::from(quantity));
    if free < quantity {
        return Err(Refusal::OutOfStock { free });
    }
    let to = Place { zone: to, ..from.clone() };
    let kind = MovementKind::Moved;
    Ok(vec![moved(from, kind, -quantity, reason), moved(&to, kind, quantity, reason)])
}

fn reserve(
    state: &State,
    terms: &Terms,
    now: Timestamp,
    job: Job,
    wanted: &Wanted,
    commit: bool,
) -> Result<Vec<Event>, Refusal> {
    if let Some(known) = state.reservations.get(&job) {
        let remembered_only = known.sku.is_empty();
        let asked = Wanted { policy_version: wanted.policy_version, ..known.asked() };
        if !remembered_only && asked != *wanted {
            return Err(Refusal::Broken("a job that was reserved is asked for again with other goods"));
        }
        let open = matches!(known.state, ReservationState::HeldPartly | ReservationState::Held);
        return Ok(if open && commit && !known.commit { vec![Event::Promised(job)] } else { Vec::new() });
    }
    let failed = |state| vec![Event::ReservationFailed { job, wanted: wanted.clone(), state, at: now }];
    if !state.skus.contains(&wanted.sku) {
        return Ok(failed(ReservationState::Failed));
    }
    // Nobody waits without end for what was never there: a slip of the pen, or goods of somebody else.
    if wanted.rule == BatchRule::Same && !is_known(state, wanted) {
        return Ok(failed(ReservationState::BatchUnknown));
    }
    let expires_at = now + terms.hold;
    let mut events = vec![Event::ReservationOpened {
        job,
        wanted: wanted.clone(),
        commit,
        queued_at: queued_since(state, &job, &wanted.sku).unwrap_or(now),
        expires_at,
        // A day is added to a day; the calendar ends in the year 9999.
        expected_on: terms.zone.to_datetime(now).date().saturating_add(i64::from(terms.lead_time_days).days()),
    }];
    let Pick { taken, instead } = pick(state, terms, wanted, None);
    if !taken.is_empty() {
        events.push(Event::Held { job, taken, instead, expires_at });
    }
    Ok(events)
}

/// A job that is asked for again after its hold ran out keeps its place in the queue: else those who wait longest
/// would wait for ever.
fn queued_since(state: &State, job: &Job, sku: &str) -> Option<Timestamp> {
    let first = Job { attempt: 0, ..*job };
    let earlier = state.reservations.range(first..*job).map(|(_, earlier)| earlier);
    earlier
        .filter(|earlier| earlier.state == ReservationState::Expired && earlier.sku == sku)
        .map(|earlier| earlier.queued_at)
        .min()
}

fn consume(state: &State, job: &Job) -> Result<Vec<Event>, Refusal> {
    let Some(reservation) = state.reservations.get(job) else {
        return Err(Refusal::Broken("goods have left for a job that was never reserved"));
    };
    match reservation.state {
        ReservationState::Held | ReservationState::Committed => {
            let document = job.claim.to_string();
            let left =
                |(place, units): (&Place, &u32)| moved(place, MovementKind::Consumed, -i64::from(*units), &document);
            let moves = reservation.allocations.iter().map(left);
            Ok(std::iter::once(Event::Consumed(*job)).chain(moves).collect())
        }
        ReservationState::HeldPartly => Err(Refusal::Broken("goods have left for a job that is held only partly")),
        ReservationState::Consumed
        | ReservationState::Released
        | ReservationState::Expired
        | ReservationState::Failed
        | ReservationState::BatchUnknown => Ok(Vec::new()),
    }
}

fn release(state: &State, job: &Job, now: Timestamp) -> Vec<Event> {
    match state.reservations.get(job).map(|reservation| reservation.state) {
        // Never seen: remembered, so that a reserve that comes late holds nothing.
        None
        | Some(
            ReservationState::HeldPartly
            | ReservationState::Held
            | ReservationState::Committed
            | ReservationState::Expired
            | ReservationState::Failed
            | ReservationState::BatchUnknown,
        ) => vec![Event::Released(*job, now)],
        Some(ReservationState::Consumed | ReservationState::Released) => Vec::new(),
    }
}

fn expire(state: &State, job: &Job, due_at: Timestamp) -> Vec<Event> {
    match state.reservations.get(job) {
        Some(reservation) if reservation.expires_at == Some(due_at) => vec![Event::Expired(*job)],
        // Committed, ended or renewed meanwhile.
        Some(_) | None => Vec::new(),
    }
}

pub(super) fn place(sku: &str, batch: &str, warehouse: &str, zone: Zone) -> Place {
    Place { sku: sku.to_owned(), batch: batch.to_owned(), warehouse: warehouse.to_owned(), zone }
}

pub(super) fn moved(place: &Place, kind: MovementKind, quantity: i64, document: &str) -> Event {
    Event::Moved { place: place.clone(), kind, quantity, document: document.to_owned() }
}
