//! What comes back: announced, counted, and done away with.

use super::decide::{check_place, check_sku, moved, place};
use super::{
    Disposition, Event, GoodsLine, Job, MovementKind, Place, Receipt, Refusal, Return, ReturnReason, ReturnState,
    State, Zone,
};

/// Changes of one return, after which only the last receipt is taken; and so many more after that.
const RECEIPTS_MAX: i64 = 200;

pub(super) fn expect(
    state: &State,
    job: &Job,
    announced: &GoodsLine,
    reason: Option<ReturnReason>,
) -> Result<Vec<Event>, Refusal> {
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
    events.push(Event::ReturnExpected { job: *job, announced: announced.clone(), reason });
    Ok(events)
}

pub(super) fn cancel(state: &State, job: &Job) -> Vec<Event> {
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

pub(super) fn receive(
    state: &State,
    job: &Job,
    version: Option<i64>,
    receipt: &Receipt,
) -> Result<Vec<Event>, Refusal> {
    let known = find(state, job)?;
    if version.is_some_and(|version| version != known.version) {
        return Err(Refusal::ReturnChanged);
    }
    let late = match known.state {
        ReturnState::Expected | ReturnState::PartlyReceived => false,
        // What was missing turns up.
        ReturnState::ClosedShort if receipt.units() > 0 => true,
        ReturnState::ClosedShort | ReturnState::FullyReceived | ReturnState::Cancelled => {
            return Err(Refusal::ReturnClosed(known.state));
        }
    };
    let completes = receipt.last || late || known.came().saturating_add(receipt.units()) >= known.announced;
    if known.version >= RECEIPTS_MAX * 2 || (known.version >= RECEIPTS_MAX && !completes) {
        return Err(Refusal::TooManyReceipts);
    }
    check_place(state, &receipt.warehouse, Zone::Qualified)?;
    let mut after = known.clone();
    after.add(receipt);
    let qualified = after.resalable() - known.resalable();
    let mut events = vec![Event::ReturnCounted { job: *job, receipt: receipt.clone(), qualified, late }];
    let document = job.claim.to_string();
    let waits = receipt.units() - qualified;
    for (zone, units) in [(Zone::Qualified, qualified), (Zone::PendingInspection, waits)] {
        if units > 0 {
            let place = place(&known.sku, &known.batch, &receipt.warehouse, zone);
            events.push(moved(&place, MovementKind::Return, i64::from(units), &document));
        }
    }
    Ok(events)
}

pub(super) fn dispose(
    state: &State,
    job: &Job,
    quantity: u32,
    disposition: Disposition,
    other_sku: &str,
) -> Result<Vec<Event>, Refusal> {
    let known = find(state, job)?;
    let kind = match disposition {
        Disposition::Restock => MovementKind::Restocked,
        Disposition::Scrap => MovementKind::Scrapped,
        Disposition::SupplierReturn => MovementKind::SupplierReturn,
        Disposition::SendBack => MovementKind::SentBack,
    };
    let restock = disposition == Disposition::Restock;
    if restock && !other_sku.is_empty() {
        check_sku(state, other_sku)?;
    }
    // Another article never becomes stock of this SKU, and this one never of another.
    let (takes_wrong, takes_own) = (!restock || !other_sku.is_empty(), !restock || other_sku.is_empty());
    let document = job.claim.to_string();
    let mut missing = quantity;
    let mut events = Vec::new();
    for (warehouse, waiting) in &known.waiting {
        let from = place(&known.sku, &known.batch, warehouse, Zone::PendingInspection);
        // A count may have found fewer than the return brought.
        let here = state.stock.get(&from).map_or(0, |stock| u32::try_from(stock.free()).unwrap_or(u32::MAX));
        let wrong_item = if takes_wrong { waiting.wrong_item.min(missing).min(here) } else { 0 };
        let own = if takes_own { waiting.own.min(missing - wrong_item).min(here - wrong_item) } else { 0 };
        let units = wrong_item + own;
        if units == 0 {
            continue;
        }
        missing -= units;
        events.push(Event::ReturnDisposed { job: *job, warehouse: warehouse.clone(), own, wrong_item });
        events.push(moved(&from, kind, -i64::from(units), &document));
        if restock {
            let to = match other_sku {
                "" => Place { zone: Zone::Qualified, ..from },
                other => place(other, "", warehouse, Zone::Qualified),
            };
            events.push(moved(&to, kind, i64::from(units), &document));
        }
    }
    if missing > 0 {
        return Err(Refusal::NothingToDispose { waiting: quantity - missing });
    }
    Ok(events)
}
