//! Goods, where they are, and to whom they are promised. Pure: no database, no broker, no clock.
//!
//! - Stock is on hand at a place (SKU, batch, warehouse, zone); only the ledger of movements changes it (S4-33).
//! - A reservation holds units of qualified zones: available = on hand - reserved, never negative (domain rule 4).
//!   What is missing is back-ordered, and filled oldest first as soon as there is stock of a batch that may go out.
//! - Returns are counted receipt by receipt. Each unit has two answers, whether it counts for the claim and whether it can
//!   be sold again, and lies in one place: qualified stock, or pending_inspection (domain rule 6).
//! - Everything about a job is idempotent: asked again, it stands where it stood.
#![deny(clippy::wildcard_enum_match_arm)]

mod decide;
mod evolve;
mod fill;
mod returns;
mod state;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use proto::policy::{Dated, UnknownVersion};
use uuid::Uuid;

pub use decide::decide;
pub use evolve::evolve;
pub use fill::fill;
pub use proto::Job;
pub use proto::claim::words::{BatchRule, ReturnReason};
pub use proto::inventory::words::{Disposition, MovementKind, ReservationState, ReturnState, Zone};

/// Where stock is. The order of places is the order of picking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub sku: String,
    /// Batch; may be empty.
    pub batch: String,
    pub warehouse: String,
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
        warehouse: String,
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
    /// Move units to another zone.
    MoveStock {
        /// Where they are.
        from: Place,
        /// Where they go.
        to: Zone,
        /// Units.
        quantity: u32,
        /// Why.
        reason: String,
    },
    /// Hold stock for a job.
    Reserve {
        job: Job,
        /// What is wanted.
        wanted: Wanted,
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

/// A stock-keeping unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    pub sku: String,
    /// What it is.
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// Code.
    pub warehouse: String,
    pub country: String,
    /// Custodian of the valuables zone; empty: none (S4-38).
    pub custodian: String,
}

/// Units of one SKU and batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodsLine {
    pub sku: String,
    /// Batch; empty: none.
    pub batch: String,
    /// Units.
    pub quantity: u32,
}

/// What a reservation wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub sku: String,
    /// Batch that is complained about; may be empty.
    pub batch: String,
    /// Which batch goes out.
    pub rule: BatchRule,
    /// Units.
    pub quantity: u32,
    /// The version of the policy pack that the claim goes by; 0: the oldest.
    pub policy_version: u32,
}

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

// ---- Event

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A SKU is known.
    SkuRegistered {
        sku: String,
        /// What it is; none: it became known because goods of it come back.
        description: Option<String>,
    },
    /// A warehouse is known.
    WarehouseRegistered(Warehouse),
    /// A delivery was booked: its document names it.
    DeliveryBooked(Delivery),
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
        job: Job,
        /// What is wanted.
        wanted: Wanted,
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
        job: Job,
        /// Units by place.
        taken: Vec<(Place, u32)>,
        /// In place of what it held: another batch has enough for all.
        instead: bool,
        /// When it runs out, if it is not committed by now.
        expires_at: Timestamp,
    },
    /// It is promised as soon as all is held.
    Promised(Job),
    /// It cannot be held at all.
    ReservationFailed {
        job: Job,
        /// What was wanted.
        wanted: Wanted,
        /// The state that says why.
        state: ReservationState,
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

/// A delivery to a warehouse, as its document names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub warehouse: String,
    /// Delivery note or purchase order.
    pub document: String,
    /// Derived from zone and lines: the same contents have the same.
    pub contents: Uuid,
}

// ---- State

pub use state::{Reservation, Return, State, Stock, Terms, Waiting, is_complete};

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
    /// The warehouse has booked another delivery under this document.
    #[error("another delivery was booked under this document")]
    DocumentReused(String),
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
    #[error("the return is closed")]
    ReturnClosed(ReturnState),
    /// So many receipts were counted that only the last is taken (P56).
    #[error("too many receipts were counted; only the last is taken")]
    TooManyReceipts,
    /// Fewer units wait for a disposition.
    #[error("fewer units wait for this disposition")]
    NothingToDispose {
        /// Units that wait for it.
        waiting: u32,
    },
    /// The claim began with a version of the policy pack that is not loaded here.
    #[error(transparent)]
    PolicyUnknown(#[from] UnknownVersion),
    /// No correct sender says this.
    #[error("{0}")]
    Broken(&'static str),
}

// ---- decide, evolve

/// Decides a command and lets it happen, with all that follows from it: freed stock fills back-orders, oldest first.
/// On `Err` the state is unchanged.
pub fn execute(
    state: &mut State,
    terms: &Dated<Terms>,
    now: Timestamp,
    command: &Command,
) -> Result<Vec<Event>, Refusal> {
    let version = if let Command::Reserve { wanted, .. } = command { wanted.policy_version } else { 0 };
    let mut events = decide(state, terms.of_claim(version)?, now, command)?;
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
            | Event::DeliveryBooked(_)
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
