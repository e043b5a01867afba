//! What is known: stock, reservations, returns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{Job, Place, ReservationState, ReturnState};

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
