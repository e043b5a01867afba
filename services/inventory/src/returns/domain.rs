//! What comes back: announced, counted, and done away with. Each unit has two answers, whether it counts for the claim and
//! whether it can be sold again, and lies in one place: qualified stock, or pending_inspection (domain rule 6).

use std::collections::BTreeMap;

pub use proto::Job;
pub use proto::claim::words::ReturnReason;
pub use proto::inventory::words::{Disposition, ReturnState};

use crate::domain::{self, State, known};
use crate::refusal::Refusal;
use crate::stock::domain::{self as stock, GoodsLine, MovementKind, Place, Zone, check_place, check_sku, moved, place};

/// One receipt of a return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    pub warehouse: String,
    /// Units as the claim says.
    pub accepted: u32,
    /// Units damaged.
    pub damaged: u32,
    /// Units of another article.
    pub wrong_item: u32,
    /// Units as the claim says that cannot be sold again.
    pub unsalable: u32,
    /// Units that are not as the claim says.
    pub not_as_claimed: u32,
    /// SKU of the other article; empty: not known.
    pub other_sku: String,
    /// No more is expected.
    pub last: bool,
}

impl Receipt {
    /// Units that came with it.
    pub fn units(&self) -> u32 {
        self.own().saturating_add(self.wrong_item)
    }

    /// Units of the SKU of the return.
    pub fn own(&self) -> u32 {
        let good = self.accepted.saturating_add(self.unsalable);
        good.saturating_add(self.damaged).saturating_add(self.not_as_claimed)
    }
}

/// No more is expected, and what came was counted.
pub fn is_complete(state: ReturnState) -> bool {
    matches!(state, ReturnState::FullyReceived | ReturnState::ClosedShort)
}

/// Goods expected back from a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// SKU; empty: it was cancelled before it was announced.
    pub sku: String,
    /// Batch; may be empty.
    pub batch: String,
    /// Units announced.
    pub announced: u32,
    /// Why they come back; none: not said, as before there were reasons.
    pub reason: Option<ReturnReason>,
    /// Units as the claim says so far.
    pub accepted: u32,
    /// Units damaged so far.
    pub damaged: u32,
    /// Units of another article so far.
    pub wrong_item: u32,
    /// Units as the claim says that cannot be sold again, so far.
    pub unsalable: u32,
    /// Units that are not as the claim says, so far.
    pub not_as_claimed: u32,
    /// SKU of the other article, as it was last said.
    pub other_sku: String,
    pub state: ReturnState,
    /// Units that wait in pending_inspection, by warehouse.
    pub waiting: BTreeMap<String, Waiting>,
    /// Counts its changes.
    pub version: i64,
}

/// Units of a return that wait in pending_inspection of one warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Units of the SKU of the return.
    pub own: u32,
    /// Units of another article.
    pub wrong_item: u32,
}

impl Waiting {
    /// All of them.
    pub fn units(self) -> u32 {
        self.own.saturating_add(self.wrong_item)
    }
}

impl Return {
    /// Adds what was counted; not yet what follows for the state.
    pub fn add(&mut self, receipt: &Receipt) {
        self.accepted += receipt.accepted;
        self.damaged += receipt.damaged;
        self.wrong_item += receipt.wrong_item;
        self.unsalable += receipt.unsalable;
        self.not_as_claimed += receipt.not_as_claimed;
        if !receipt.other_sku.is_empty() {
            self.other_sku.clone_from(&receipt.other_sku);
        }
    }

    /// Units that came.
    pub fn came(&self) -> u32 {
        let good = self.accepted.saturating_add(self.unsalable);
        let not_good = self.damaged.saturating_add(self.not_as_claimed);
        good.saturating_add(not_good).saturating_add(self.wrong_item)
    }

    /// Damaged units that count for the claim: it is about that, or the goods never reached the customer.
    pub fn damaged_as_claimed(&self) -> u32 {
        match self.reason {
            Some(ReturnReason::Faulty | ReturnReason::WrongItem | ReturnReason::Undelivered) => self.damaged,
            None | Some(ReturnReason::ChangeOfMind) => 0,
        }
    }

    /// Units of another article that count for the claim: it is about that.
    pub fn wrong_as_claimed(&self) -> u32 {
        if self.reason == Some(ReturnReason::WrongItem) { self.wrong_item } else { 0 }
    }

    /// Units that count for the claim (domain rule 2).
    pub fn counting(&self) -> u32 {
        let good = self.accepted.saturating_add(self.unsalable);
        good.saturating_add(self.damaged_as_claimed()).saturating_add(self.wrong_as_claimed())
    }

    /// Units that are qualified stock by what was counted. What is beyond the announcement is the customer's until a
    /// person has decided.
    pub fn resalable(&self) -> u32 {
        match self.reason {
            None | Some(ReturnReason::ChangeOfMind | ReturnReason::Undelivered) => self.accepted.min(self.announced),
            Some(ReturnReason::Faulty | ReturnReason::WrongItem) => 0,
        }
    }

    /// Units beyond what was announced.
    pub fn excess(&self) -> u32 {
        self.came().saturating_sub(self.announced)
    }

    /// Announced units that did not come; 0 while more may come.
    pub fn missing(&self) -> u32 {
        if is_complete(self.state) { self.announced.saturating_sub(self.came()) } else { 0 }
    }

    /// Units that wait for a disposition.
    pub fn waiting(&self) -> u32 {
        self.waiting.values().copied().map(Waiting::units).sum()
    }
}

/// What can be asked about returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Expect goods from a customer.
    ExpectReturn {
        job: Job,
        /// What is announced.
        announced: GoodsLine,
        /// Why they come.
        reason: Option<ReturnReason>,
    },
    /// Expect them no more.
    CancelReturn(Job),
    /// Count what arrived of a return.
    ReceiveReturn {
        job: Job,
        /// Version that the caller has read, if it compares.
        version: Option<i64>,
        /// What was counted.
        receipt: Receipt,
    },
    /// Decide what is done with returned goods.
    DisposeReturn {
        job: Job,
        /// Units.
        quantity: u32,
        /// What is done.
        disposition: Disposition,
        /// SKU of another article that is put to its own; empty: goods of the SKU of the return are meant.
        other_sku: String,
    },
}

/// What has happened to a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Goods are expected.
    ReturnExpected {
        job: Job,
        /// What is announced.
        announced: GoodsLine,
        /// Why they come.
        reason: Option<ReturnReason>,
    },
    /// Some were counted.
    ReturnCounted {
        job: Job,
        /// What was counted.
        receipt: Receipt,
        /// Units of it that went to qualified stock; the others wait in pending_inspection.
        qualified: u32,
        /// The return was closed before.
        late: bool,
    },
    /// They are expected no more, or it is remembered that they never will be.
    ReturnCancelled(Job),
    /// Returned goods left pending_inspection.
    ReturnDisposed {
        job: Job,
        /// Where they were.
        warehouse: String,
        /// Units of the SKU of the return.
        own: u32,
        /// Units of another article.
        wrong_item: u32,
    },
}

impl Command {
    /// The job that it is about.
    pub fn job(&self) -> &Job {
        match self {
            Self::ExpectReturn { job, .. } | Self::CancelReturn(job) => job,
            Self::ReceiveReturn { job, .. } | Self::DisposeReturn { job, .. } => job,
        }
    }
}

/// Decides a command. Nothing happens until its events are evolved.
pub fn decide(state: &State, command: &Command) -> Result<Vec<domain::Event>, Refusal> {
    match command {
        Command::ExpectReturn { job, announced, reason } => expect(state, job, announced, *reason),
        Command::CancelReturn(job) => Ok(cancel(state, job)),
        Command::ReceiveReturn { job, version, receipt } => receive(state, job, *version, receipt),
        Command::DisposeReturn { job, quantity, disposition, other_sku } => {
            dispose(state, job, *quantity, *disposition, other_sku)
        }
    }
}

/// Lets an event happen.
pub fn evolve(state: &mut State, event: &Event) {
    match event {
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

/// Changes of one return, after which only the last receipt is taken; and so many more after that.
const RECEIPTS_MAX: i64 = 200;

fn expect(
    state: &State,
    job: &Job,
    announced: &GoodsLine,
    reason: Option<ReturnReason>,
) -> Result<Vec<domain::Event>, Refusal> {
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
        events.push(stock::Event::SkuRegistered { sku: announced.sku.clone(), description: None }.into());
    }
    events.push(Event::ReturnExpected { job: *job, announced: announced.clone(), reason }.into());
    Ok(events)
}

fn cancel(state: &State, job: &Job) -> Vec<domain::Event> {
    match state.returns.get(job).map(|known| known.state) {
        None | Some(ReturnState::Expected | ReturnState::PartlyReceived) => vec![Event::ReturnCancelled(*job).into()],
        // What was counted to the end stays counted.
        Some(ReturnState::FullyReceived | ReturnState::ClosedShort | ReturnState::Cancelled) => Vec::new(),
    }
}

fn find<'a>(state: &'a State, job: &Job) -> Result<&'a Return, Refusal> {
    // A return that was cancelled before it was announced is nothing a person can know.
    state.returns.get(job).filter(|known| !known.sku.is_empty()).ok_or(Refusal::NoSuchReturn(*job))
}

fn receive(state: &State, job: &Job, version: Option<i64>, receipt: &Receipt) -> Result<Vec<domain::Event>, Refusal> {
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
    let mut events = vec![Event::ReturnCounted { job: *job, receipt: receipt.clone(), qualified, late }.into()];
    let document = job.claim.to_string();
    let waits = receipt.units() - qualified;
    for (zone, units) in [(Zone::Qualified, qualified), (Zone::PendingInspection, waits)] {
        if units > 0 {
            let place = place(&known.sku, &known.batch, &receipt.warehouse, zone);
            events.push(moved(&place, MovementKind::Return, i64::from(units), &document).into());
        }
    }
    Ok(events)
}

fn dispose(
    state: &State,
    job: &Job,
    quantity: u32,
    disposition: Disposition,
    other_sku: &str,
) -> Result<Vec<domain::Event>, Refusal> {
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
        events.push(Event::ReturnDisposed { job: *job, warehouse: warehouse.clone(), own, wrong_item }.into());
        events.push(moved(&from, kind, -i64::from(units), &document).into());
        if restock {
            let to = match other_sku {
                "" => Place { zone: Zone::Qualified, ..from },
                other => place(other, "", warehouse, Zone::Qualified),
            };
            events.push(moved(&to, kind, i64::from(units), &document).into());
        }
    }
    if missing > 0 {
        return Err(Refusal::NothingToDispose { waiting: quantity - missing });
    }
    Ok(events)
}
