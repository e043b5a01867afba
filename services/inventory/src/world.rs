//! What a batch looks at and changes, and what a lane remembers of it.

mod memory;

use std::collections::{BTreeMap, BTreeSet};

use chassis::Meta;
use jiff::Timestamp;

use crate::domain::{Delivery, Event, Job, MovementKind, Place, Receipt, State, Stock, Warehouse};
use crate::{returns, stock};

pub use memory::Memory;

/// What a batch looks at and changes.
#[derive(Default)]
pub struct World {
    /// What is known.
    pub state: State,
    /// How it was in the database.
    pub loaded: Loaded,
    /// What has changed.
    pub changed: Changed,
}

/// How rows were when they were loaded: a row that is not so any more is not overwritten.
#[derive(Default)]
pub struct Loaded {
    /// Versions of SKUs.
    pub skus: BTreeMap<String, i64>,
    pub stock: BTreeMap<Place, Stock>,
    /// Versions of reservations.
    pub reservations: BTreeMap<Job, i64>,
    /// Versions of returns.
    pub returns: BTreeMap<Job, i64>,
}

/// What has changed since it was loaded. Stock is compared with how it was loaded.
#[derive(Default)]
pub struct Changed {
    /// SKUs, with a description if one was given.
    pub skus: BTreeMap<String, Option<String>>,
    pub warehouses: BTreeMap<String, Warehouse>,
    pub reservations: BTreeSet<Job>,
    pub returns: BTreeSet<Job>,
    /// New entries of the ledger, in order.
    pub movements: Vec<Movement>,
    /// New receipts of returns.
    pub receipts: Vec<Receipted>,
    /// New deliveries, with who booked them and when.
    pub deliveries: Vec<(Delivery, String, Timestamp)>,
    /// Number and balance of the last movement of each place that moved.
    pub ledger: BTreeMap<Place, (i64, i64)>,
}

/// A new entry of the ledger.
pub struct Movement {
    /// Where.
    pub place: Place,
    /// Number of the movement within the place.
    pub number: i64,
    /// Units on hand before it.
    pub before: i64,
    /// Units.
    pub quantity: i64,
    pub kind: MovementKind,
    /// Claim, delivery note or reason.
    pub document: String,
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// A new receipt of a return.
pub struct Receipted {
    pub job: Job,
    /// Version of the return that it led to.
    pub version: i64,
    /// What was counted.
    pub receipt: Receipt,
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl Changed {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.skus.is_empty()
            && self.warehouses.is_empty()
            && self.reservations.is_empty()
            && self.returns.is_empty()
            && self.movements.is_empty()
            && self.deliveries.is_empty()
    }
}

impl World {
    /// Notes what an event has changed. The state has it already.
    pub fn record(&mut self, meta: &Meta, event: &Event) {
        match event {
            Event::Stock(event) => stock::store::record(self, meta, event),
            Event::Reservation(event) => drop(self.changed.reservations.insert(*event.job())),
            Event::Return(event) => returns::store::record(self, meta, event),
        }
    }
}
