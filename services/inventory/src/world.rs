//! What a batch looks at and changes, and what a lane remembers of it.

mod memory;

use std::collections::{BTreeMap, BTreeSet};

use chassis::Meta;
use jiff::Timestamp;

use crate::domain::{Delivery, Event, Job, MovementKind, Place, Receipt, State, Stock, Warehouse};

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
    ledger: BTreeMap<Place, (i64, i64)>,
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
        let changed = &mut self.changed;
        match event {
            Event::SkuRegistered { sku, description } => {
                let known = changed.skus.entry(sku.clone()).or_default();
                *known = description.clone().or_else(|| known.take());
            }
            Event::WarehouseRegistered(warehouse) => {
                changed.warehouses.insert(warehouse.warehouse.clone(), warehouse.clone());
            }
            Event::DeliveryBooked(delivery) => {
                changed.deliveries.push((delivery.clone(), meta.actor.subject.clone(), meta.now));
            }
            Event::Moved { place, kind, quantity, document } => {
                let start = || self.loaded.stock.get(place).map_or((0, 0), |stock| (stock.moves, stock.on_hand));
                let (number, before) = *changed.ledger.entry(place.clone()).or_insert_with(start);
                changed.ledger.insert(place.clone(), (number + 1, before + quantity));
                changed.movements.push(Movement {
                    place: place.clone(),
                    number: number + 1,
                    before,
                    quantity: *quantity,
                    kind: *kind,
                    document: document.clone(),
                    actor: meta.actor.subject.clone(),
                    at: meta.now,
                });
            }
            Event::Held { job, .. }
            | Event::ReservationOpened { job, .. }
            | Event::Promised(job)
            | Event::ReservationFailed { job, .. }
            | Event::Consumed(job)
            | Event::Released(job, _)
            | Event::Expired(job) => drop(changed.reservations.insert(*job)),
            Event::ReturnCounted { job, receipt, .. } => {
                changed.returns.insert(*job);
                changed.receipts.push(Receipted {
                    job: *job,
                    version: self.state.returns.get(job).map_or(0, |known| known.version),
                    receipt: receipt.clone(),
                    actor: meta.actor.subject.clone(),
                    at: meta.now,
                });
            }
            Event::ReturnExpected { job, .. } | Event::ReturnCancelled(job) | Event::ReturnDisposed { job, .. } => {
                changed.returns.insert(*job);
            }
        }
    }
}
