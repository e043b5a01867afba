//! What is known: stock, reservations, returns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{BatchRule, Job, Place, Receipt, ReservationState, ReturnReason, ReturnState, Wanted};

/// Rules that are data.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long a hold lasts that is not committed.
    pub hold: SignedDuration,
    /// Days until missing units are expected.
    pub lead_time_days: u32,
    /// Where days begin and end.
    pub zone: TimeZone,
    /// Several batches may go out together.
    pub mix_batches: bool,
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
    pub reservations: BTreeMap<Job, Reservation>,
    pub returns: BTreeMap<Job, Return>,
    /// Contents of deliveries, by warehouse and document.
    pub deliveries: BTreeMap<(String, String), Uuid>,
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
    /// Batch that is complained about; may be empty.
    pub batch: String,
    /// Which batch goes out.
    pub rule: BatchRule,
    /// Units wanted.
    pub wanted: u32,
    /// The version of the policy pack that its claim goes by; 0: the oldest.
    pub policy_version: u32,
    /// Promise it as soon as all is held.
    pub commit: bool,
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

    /// What it wants in all.
    pub fn asked(&self) -> Wanted {
        let (quantity, policy_version) = (self.wanted, self.policy_version);
        Wanted { sku: self.sku.clone(), batch: self.batch.clone(), rule: self.rule, quantity, policy_version }
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
            | ReservationState::Failed
            | ReservationState::BatchUnknown => 0,
        }
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
