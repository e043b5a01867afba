//! What a command leads to.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::fill::pick;
use super::{
    Command, Disposition, Event, GoodsLine, Job, MovementKind, Place, Receipt, Refusal, ReservationState, Return,
    ReturnState, State, Terms, Zone,
};

/// Changes of one return, after which only the last receipt is taken.
const RECEIPTS_MAX: i64 = 200;

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
        Command::Reserve { job, wanted, commit } => reserve(state, terms, now, *job, wanted, *commit),
        Command::Consume(job) => consume(state, job),
        Command::Release(job) => Ok(release(state, job, now)),
        Command::Expire(job, due_at) => Ok(expire(state, job, *due_at)),
        Command::ExpectReturn { job, announced } => expect_return(state, job, announced),
        Command::CancelReturn(job) => Ok(cancel_return(state, job)),
        Command::ReceiveReturn { job, version, receipt } => receive_return(state, job, *version, receipt),
        Command::DisposeReturn { job, quantity, disposition } => dispose(state, job, *quantity, *disposition),
    }
}

fn check_place(state: &State, warehouse: &str, zone: Zone) -> Result<(), Refusal> {
    let custodian = state.warehouses.get(warehouse).ok_or_else(|| Refusal::UnknownWarehouse(warehouse.to_owned()))?;
    // S4-38: valuables are in somebody's care.
    if zone == Zone::Valuables && custodian.is_empty() {
        return Err(Refusal::NoCustodian(warehouse.to_owned()));
    }
    Ok(())
}

fn check_sku(state: &State, sku: &str) -> Result<(), Refusal> {
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
    let moved = |line: &GoodsLine| {
        check_sku(state, &line.sku)?;
        let place = place(&line.sku, &line.batch, warehouse, zone);
        Ok(moved(&place, MovementKind::Receipt, i64::from(line.quantity), document))
    };
    lines.iter().map(moved).collect()
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

fn reserve(
    state: &State,
    terms: &Terms,
    now: Timestamp,
    job: Job,
    wanted: &GoodsLine,
    commit: bool,
) -> Result<Vec<Event>, Refusal> {
    if let Some(known) = state.reservations.get(&job) {
        let remembered_only = known.sku.is_empty();
        let same = known.sku == wanted.sku && known.batch == wanted.batch && known.wanted == wanted.quantity;
        if !remembered_only && !same {
            return Err(Refusal::Broken("a job that was reserved is asked for again with other goods"));
        }
        let open = matches!(known.state, ReservationState::HeldPartly | ReservationState::Held);
        return Ok(if open && commit && !known.commit { vec![Event::Promised(job)] } else { Vec::new() });
    }
    if !state.skus.contains(&wanted.sku) {
        return Ok(vec![Event::ReservationFailed { job, wanted: wanted.clone(), at: now }]);
    }
    let expires_at = now + terms.hold;
    let mut events = vec![Event::ReservationOpened {
        job,
        wanted: wanted.clone(),
        commit,
        queued_at: queued_since(state, &job, &wanted.sku).unwrap_or(now),
        expires_at,
        // A day is added to a day; the calendar ends in the year 9999.
        expected_on: TimeZone::UTC.to_datetime(now).date().saturating_add(i64::from(terms.lead_time_days).days()),
    }];
    let taken = pick(state, &wanted.sku, &wanted.batch, wanted.quantity);
    if !taken.is_empty() {
        events.push(Event::Held { job, taken, expires_at });
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
            Ok(std::iter::once(Event::Consumed(*job)).chain(moves).chain(oversold(state, reservation)).collect())
        }
        ReservationState::HeldPartly => Err(Refusal::Broken("goods have left for a job that is held only partly")),
        ReservationState::Consumed
        | ReservationState::Released
        | ReservationState::Expired
        | ReservationState::Failed => Ok(Vec::new()),
    }
}

/// The seeded bug `oversell`: what left is booked out twice, as far as the table lets it.
fn oversold(state: &State, reservation: &super::Reservation) -> Vec<Event> {
    if !chassis::crash::bug("oversell") {
        return Vec::new();
    }
    let again = reservation.allocations.iter().filter_map(|(place, units)| {
        let units = state.stock.get(place).map_or(0, super::Stock::free).min(i64::from(*units));
        (units > 0).then(|| moved(place, MovementKind::Consumed, -units, "oversell"))
    });
    again.collect()
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
            | ReservationState::Failed,
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

fn expect_return(state: &State, job: &Job, announced: &GoodsLine) -> Result<Vec<Event>, Refusal> {
    if let Some(known) = state.returns.get(job) {
        let remembered_only = known.sku.is_empty();
        let same =
            known.sku == announced.sku && known.batch == announced.batch && known.announced == announced.quantity;
        if !remembered_only && !same {
            return Err(Refusal::Broken("a return that is expected is announced again with other goods"));
        }
        return Ok(Vec::new());
    }
    let mut events = Vec::new();
    // The goods come back whether or not the SKU was registered.
    if !state.skus.contains(&announced.sku) {
        events.push(Event::SkuRegistered { sku: announced.sku.clone(), description: None });
    }
    events.push(Event::ReturnExpected { job: *job, announced: announced.clone() });
    Ok(events)
}

fn cancel_return(state: &State, job: &Job) -> Vec<Event> {
    match state.returns.get(job).map(|known| known.state) {
        None | Some(ReturnState::Expected | ReturnState::PartlyReceived) => vec![Event::ReturnCancelled(*job)],
        // What was counted to the end stays counted.
        Some(ReturnState::FullyReceived | ReturnState::ClosedShort | ReturnState::Cancelled) => Vec::new(),
    }
}

fn find<'a>(state: &'a State, job: &Job) -> Result<&'a Return, Refusal> {
    // A return that was cancelled before it was announced is nothing a person can know.
    state.returns.get(job).filter(|known| !known.sku.is_empty()).ok_or(Refusal::NoSuchReturn(*job))
}

fn receive_return(state: &State, job: &Job, version: Option<i64>, receipt: &Receipt) -> Result<Vec<Event>, Refusal> {
    let known = find(state, job)?;
    if version.is_some_and(|version| version != known.version) {
        return Err(Refusal::ReturnChanged);
    }
    match known.state {
        ReturnState::Expected | ReturnState::PartlyReceived => {}
        ReturnState::FullyReceived | ReturnState::ClosedShort | ReturnState::Cancelled => {
            return Err(Refusal::ReturnClosed(known.state));
        }
    }
    let completes = receipt.last || known.came().saturating_add(receipt.units()) >= known.announced;
    if known.version >= RECEIPTS_MAX && !completes {
        return Err(Refusal::TooManyReceipts);
    }
    check_place(state, &receipt.warehouse, Zone::Qualified)?;
    let mut events = vec![Event::ReturnCounted { job: *job, receipt: receipt.clone() }];
    let document = job.claim.to_string();
    let waits = receipt.damaged.saturating_add(receipt.wrong_item);
    for (zone, units) in [(Zone::Qualified, receipt.accepted), (Zone::PendingInspection, waits)] {
        if units > 0 {
            let place = place(&known.sku, &known.batch, &receipt.warehouse, zone);
            events.push(moved(&place, MovementKind::Return, i64::from(units), &document));
        }
    }
    Ok(events)
}

fn dispose(state: &State, job: &Job, quantity: u32, disposition: Disposition) -> Result<Vec<Event>, Refusal> {
    let known = find(state, job)?;
    let kind = match disposition {
        Disposition::Restock => MovementKind::Restocked,
        Disposition::Scrap => MovementKind::Scrapped,
        Disposition::SupplierReturn => MovementKind::SupplierReturn,
    };
    let restock = disposition == Disposition::Restock;
    let document = job.claim.to_string();
    let mut missing = quantity;
    let mut events = Vec::new();
    for (warehouse, waiting) in &known.waiting {
        let from = place(&known.sku, &known.batch, warehouse, Zone::PendingInspection);
        // A count may have found fewer than the return brought.
        let here = state.stock.get(&from).map_or(0, |stock| u32::try_from(stock.free()).unwrap_or(u32::MAX));
        // Another article never becomes stock of this SKU.
        let wrong_item = if restock { 0 } else { waiting.wrong_item.min(missing).min(here) };
        let damaged = waiting.damaged.min(missing - wrong_item).min(here - wrong_item);
        let units = wrong_item + damaged;
        if units == 0 {
            continue;
        }
        missing -= units;
        events.push(Event::ReturnDisposed { job: *job, warehouse: warehouse.clone(), damaged, wrong_item });
        events.push(moved(&from, kind, -i64::from(units), &document));
        if restock {
            let to = Place { zone: Zone::Qualified, ..from };
            events.push(moved(&to, kind, i64::from(units), &document));
        }
    }
    if missing > 0 {
        return Err(Refusal::NothingToDispose { waiting: quantity - missing });
    }
    Ok(events)
}

fn place(sku: &str, batch: &str, warehouse: &str, zone: Zone) -> Place {
    Place { sku: sku.to_owned(), batch: batch.to_owned(), warehouse: warehouse.to_owned(), zone }
}

fn moved(place: &Place, kind: MovementKind, quantity: i64, document: &str) -> Event {
    Event::Moved { place: place.clone(), kind, quantity, document: document.to_owned() }
}
