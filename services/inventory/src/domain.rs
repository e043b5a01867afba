//! Goods, where they are, and to whom they are promised. Pure: no database, no broker, no clock.
//!
//! - Stock is on hand at a place (SKU, batch, warehouse, zone); only the ledger of movements changes it (S4-33).
//! - A reservation holds units of qualified zones: available = on hand - reserved, never negative (domain rule 4).
//!   What is missing is back-ordered, and filled oldest first as soon as there is stock.
//! - Returns are counted receipt by receipt; only accepted units go back to stock (domain rule 6).
//! - Everything about a job is idempotent: asked again, it stands where it stood.
#![deny(clippy::wildcard_enum_match_arm)]

mod decide;
mod evolve;
mod fill;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use proto::ClaimId;

pub use decide::decide;
pub use evolve::evolve;
pub use fill::fill;
pub use words::{Disposition, MovementKind, ReservationState, ReturnState, Zone};

/// Names one piece of work for ever: chosen by the orchestrator, repeated in every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// The claim.
    pub claim: ClaimId,
    /// The round of the claim, from 1.
    pub round: u32,
    /// The line of the claim, from 1.
    pub line: u32,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// Where stock is. The order of places is the order of picking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// SKU.
    pub sku: String,
    /// Batch; may be empty.
    pub batch: String,
    /// Warehouse.
    pub warehouse: String,
    /// Zone.
    pub zone: Zone,
}

// ---- Command

/// What can be asked of inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Register SKUs, or replace their descriptions.
    RegisterSkus(Vec<Sku>),
    /// Register a warehouse, or replace what is known of it.
    RegisterWarehouse(Warehouse),
    /// Book arrived goods.
    ReceiveGoods {
        /// Warehouse.
        warehouse: String,
        /// Zone.
        zone: Zone,
        /// Delivery note or purchase order.
        document: String,
        /// What arrived.
        lines: Vec<GoodsLine>,
    },
    /// Correct counted stock (S4-35).
    AdjustStock {
        /// Where.
        place: Place,
        /// Units; negative: fewer.
        delta: i64,
        /// Why.
        reason: String,
    },
    /// Hold stock for a job.
    Reserve {
        /// The job.
        job: Job,
        /// What is wanted.
        wanted: GoodsLine,
        /// Promise it as soon as all is held.
        commit: bool,
    },
    /// The goods of a job have left.
    Consume(Job),
    /// Give the stock of a job back.
    Release(Job),
    /// The hold of a job ran out at the given time.
    Expire(Job, Timestamp),
    /// Expect goods from a customer.
    ExpectReturn {
        /// The job.
        job: Job,
        /// What is announced.
        announced: GoodsLine,
    },
    /// Expect them no more.
    CancelReturn(Job),
    /// Count what arrived of a return.
    ReceiveReturn {
        /// The job.
        job: Job,
        /// Version that the caller has read, if it compares.
        version: Option<i64>,
        /// What was counted.
        receipt: Receipt,
    },
    /// Decide what is done with returned goods.
    DisposeReturn {
        /// The job.
        job: Job,
        /// Units.
        quantity: u32,
        /// What is done.
        disposition: Disposition,
    },
}

/// A stock-keeping unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// SKU.
    pub sku: String,
    /// What it is.
    pub description: String,
}

/// A warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// Code.
    pub warehouse: String,
    /// Country.
    pub country: String,
    /// Custodian of the valuables zone; empty: none (S4-38).
    pub custodian: String,
}

/// Units of one SKU and batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodsLine {
    /// SKU.
    pub sku: String,
    /// Batch; empty: none, or any when it is wanted.
    pub batch: String,
    /// Units.
    pub quantity: u32,
}

/// One receipt of a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Warehouse.
    pub warehouse: String,
    /// Units accepted.
    pub accepted: u32,
    /// Units damaged.
    pub damaged: u32,
    /// Units of another article.
    pub wrong_item: u32,
    /// No more is expected.
    pub last: bool,
}

impl Receipt {
    /// Units that came with it.
    pub fn units(&self) -> u32 {
        self.accepted.saturating_add(self.damaged).saturating_add(self.wrong_item)
    }
}

// ---- Event

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A SKU is known.
    SkuRegistered {
        /// SKU.
        sku: String,
        /// What it is; none: it became known because goods of it come back.
        description: Option<String>,
    },
    /// A warehouse is known.
    WarehouseRegistered(Warehouse),
    /// Stock moved: an entry of the ledger.
    Moved {
        /// Where.
        place: Place,
        /// Why, as a kind.
        kind: MovementKind,
        /// Units; negative: taken out.
        quantity: i64,
        /// Claim, delivery note or reason.
        document: String,
    },
    /// A reservation was opened; nothing is held yet.
    ReservationOpened {
        /// The job.
        job: Job,
        /// What is wanted.
        wanted: GoodsLine,
        /// Promise it as soon as all is held.
        commit: bool,
        /// Its place in the queue for scarce stock.
        queued_at: Timestamp,
        /// When a hold that is not committed runs out.
        expires_at: Timestamp,
        /// Day on which missing units are expected.
        expected_on: Date,
    },
    /// Units were held for it.
    Held {
        /// The job.
        job: Job,
        /// Units by place.
        taken: Vec<(Place, u32)>,
        /// When it runs out, if it is not committed by now.
        expires_at: Timestamp,
    },
    /// It is promised as soon as all is held.
    Promised(Job),
    /// It cannot be held at all.
    ReservationFailed {
        /// The job.
        job: Job,
        /// What was wanted.
        wanted: GoodsLine,
        /// When it was asked for.
        at: Timestamp,
    },
    /// Its goods have left.
    Consumed(Job),
    /// Its stock was given back, or it is remembered that it never will be held.
    Released(Job, Timestamp),
    /// Its hold ran out.
    Expired(Job),
    /// Goods are expected.
    ReturnExpected {
        /// The job.
        job: Job,
        /// What is announced.
        announced: GoodsLine,
    },
    /// Some were counted.
    ReturnCounted {
        /// The job.
        job: Job,
        /// What was counted.
        receipt: Receipt,
    },
    /// They are expected no more, or it is remembered that they never will be.
    ReturnCancelled(Job),
    /// Returned goods left pending_inspection.
    ReturnDisposed {
        /// The job.
        job: Job,
        /// Where they were.
        warehouse: String,
        /// Damaged units.
        damaged: u32,
        /// Units of another article.
        wrong_item: u32,
    },
}

// ---- State

/// Rules that are data.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long a hold lasts that is not committed.
    pub hold: SignedDuration,
    /// Days until missing units are expected.
    pub lead_time_days: u32,
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
    /// Reservations.
    pub reservations: BTreeMap<Job, Reservation>,
    /// Returns.
    pub returns: BTreeMap<Job, Return>,
}

/// Stock at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Units on hand: the sum of its movements.
    pub on_hand: i64,
    /// Units promised: the sum of the allocations.
    pub reserved: i64,
    /// Number of its movements.
    pub moves: i64,
}

impl Stock {
    /// Units that nobody was promised.
    pub fn free(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// Stock for one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// SKU; empty: it was released before it was asked for.
    pub sku: String,
    /// Batch wanted; empty: any.
    pub batch: String,
    /// Units wanted.
    pub wanted: u32,
    /// Promise it as soon as all is held.
    pub commit: bool,
    /// State.
    pub state: ReservationState,
    /// Units held, by place.
    pub allocations: BTreeMap<Place, u32>,
    /// Its place in the queue.
    pub queued_at: Timestamp,
    /// When the hold runs out.
    pub expires_at: Option<Timestamp>,
    /// Day on which missing units are expected.
    pub expected_on: Option<Date>,
    /// Counts its changes.
    pub version: i64,
}

impl Reservation {
    /// Units held.
    pub fn held(&self) -> u32 {
        self.allocations.values().sum()
    }

    /// Units missing, if it waits for stock.
    pub fn short(&self) -> u32 {
        match self.state {
            ReservationState::HeldPartly => self.wanted - self.held(),
            ReservationState::Held
            | ReservationState::Committed
            | ReservationState::Consumed
            | ReservationState::Released
            | ReservationState::Expired
            | ReservationState::Failed => 0,
        }
    }
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
    /// Units accepted so far.
    pub accepted: u32,
    /// Units damaged so far.
    pub damaged: u32,
    /// Units of another article so far.
    pub wrong_item: u32,
    /// State.
    pub state: ReturnState,
    /// Units that wait in pending_inspection, by warehouse.
    pub waiting: BTreeMap<String, Waiting>,
    /// Counts its changes.
    pub version: i64,
}

/// Units of a return that wait in pending_inspection of one warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Damaged units.
    pub damaged: u32,
    /// Units of another article.
    pub wrong_item: u32,
}

impl Return {
    /// Units that came.
    pub fn came(&self) -> u32 {
        self.accepted.saturating_add(self.damaged).saturating_add(self.wrong_item)
    }

    /// Units beyond what was announced.
    pub fn excess(&self) -> u32 {
        self.came().saturating_sub(self.announced)
    }

    /// Announced units that did not come; 0 while more may come.
    pub fn missing(&self) -> u32 {
        if self.state.is_complete() { self.announced.saturating_sub(self.came()) } else { 0 }
    }

    /// Units that wait for a disposition.
    pub fn waiting(&self) -> u32 {
        self.waiting.values().map(|waiting| waiting.damaged + waiting.wrong_item).sum()
    }
}

// ---- Refusal

/// The domain says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The SKU is not registered.
    #[error("the SKU is not registered")]
    UnknownSku(String),
    /// The warehouse is not registered.
    #[error("the warehouse is not registered")]
    UnknownWarehouse(String),
    /// The valuables zone of the warehouse has no custodian (S4-38).
    #[error("the valuables zone of the warehouse has no custodian")]
    NoCustodian(String),
    /// There is less than is to be taken.
    #[error("there is less than is to be taken")]
    OutOfStock {
        /// Units that could be taken.
        free: i64,
    },
    /// There is no such return.
    #[error("there is no such return")]
    NoSuchReturn(Job),
    /// The return was changed since it was read.
    #[error("the return was changed since it was read")]
    ReturnChanged,
    /// The return is closed.
    #[error("the return is closed")]
    ReturnClosed(ReturnState),
    /// Fewer units wait for a disposition.
    #[error("fewer units wait for this disposition")]
    NothingToDispose {
        /// Units that wait for it.
        waiting: u32,
    },
    /// No correct sender says this.
    #[error("{0}")]
    Broken(&'static str),
}

// ---- decide, evolve

/// Decides a command and lets it happen, with all that follows from it: freed stock fills back-orders, oldest first.
/// On `Err` the state is unchanged.
pub fn execute(state: &mut State, terms: &Terms, now: Timestamp, command: &Command) -> Result<Vec<Event>, Refusal> {
    let mut events = decide(state, terms, now, command)?;
    for event in &events {
        evolve(state, event);
    }
    let follow = fill(state, terms, now, &freed(state, &events));
    events.extend(follow);
    Ok(events)
}

/// SKUs of which stock may have become available.
fn freed(state: &State, events: &[Event]) -> BTreeSet<String> {
    let mut skus = BTreeSet::new();
    for event in events {
        match event {
            Event::Moved { place, quantity, .. } if *quantity > 0 && place.zone == Zone::Qualified => {
                skus.insert(place.sku.clone());
            }
            Event::Released(job, _) | Event::Expired(job) => {
                let sku = state.reservations.get(job).map(|reservation| reservation.sku.clone());
                skus.extend(sku.filter(|sku| !sku.is_empty()));
            }
            Event::Moved { .. }
            | Event::SkuRegistered { .. }
            | Event::WarehouseRegistered(_)
            | Event::ReservationOpened { .. }
            | Event::Held { .. }
            | Event::Promised(_)
            | Event::ReservationFailed { .. }
            | Event::Consumed(_)
            | Event::ReturnExpected { .. }
            | Event::ReturnCounted { .. }
            | Event::ReturnCancelled(_)
            | Event::ReturnDisposed { .. } => {}
        }
    }
    skus
}

#[cfg(test)]
mod tests;
