//! Parcels that a batch looks at and changes, and what a lane remembers of it.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Meta, Recent};
use jiff::Timestamp;
use proto::ShipmentId;

use super::domain::{Event, Key, Refusal, Shipment, Sighting, evolve};

/// Parcels that a lane remembers.
const LEAST: usize = 1_024;

/// What a lane remembers of parcels.
#[derive(Debug)]
pub struct Memory {
    /// Parcels.
    pub shipments: Recent<Key, Shipment>,
    /// Whose waybill a number is.
    pub waybills: Recent<String, Key>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { shipments: Recent::new(LEAST), waybills: Recent::new(LEAST) }
    }
}

impl Memory {
    /// The world is committed as it is now.
    pub fn learn(&mut self, world: World) {
        self.shipments.learn(world.shipments);
        self.waybills.learn(world.waybills);
    }

    /// Whose waybill a number is.
    pub fn waybill(&self, tracking_no: &str) -> Option<&Key> {
        self.waybills.get(tracking_no)
    }
}

/// Parcels that a batch looks at and changes.
#[derive(Debug, Default)]
pub struct World {
    /// Parcels of the jobs and waybills of the batch.
    pub shipments: BTreeMap<Key, Shipment>,
    /// Their versions as they were read.
    pub versions: BTreeMap<Key, i64>,
    /// Parcels that were only remembered.
    pub recalled: BTreeSet<Key>,
    /// Whose waybill a number is.
    pub waybills: BTreeMap<String, Key>,
    /// Carrier events that were recorded before.
    pub seen: BTreeSet<(ShipmentId, String)>,
    /// Parcels that have changed.
    pub changed: BTreeSet<Key>,
    /// New carrier events, with whether they changed anything.
    pub sightings: Vec<(ShipmentId, Sighting, bool, Timestamp)>,
}

impl World {
    /// A parcel as it was read.
    pub fn know(&mut self, shipment: Shipment) {
        self.name(&shipment);
        self.versions.insert(shipment.key, shipment.version);
        self.shipments.insert(shipment.key, shipment);
    }

    /// Its waybill numbers, ours and the carrier's.
    fn name(&mut self, shipment: &Shipment) {
        let ours = shipment.booking.as_ref().map(|booking| booking.tracking_no.clone());
        let numbers = ours.into_iter().chain(shipment.carrier_no.clone());
        self.waybills.extend(numbers.map(|number| (number, shipment.key)));
    }

    /// The parcel of a waybill number.
    pub fn of_waybill(&self, tracking_no: &str) -> Result<&Shipment, Refusal> {
        let found = self.waybills.get(tracking_no).and_then(|key| self.shipments.get(key));
        found.ok_or_else(|| Refusal::NotFound { shipment: tracking_no.to_owned() })
    }

    /// The same, as a caller may know of it: a carrier has its own parcels, and others are not there (SR9).
    pub fn own(&self, meta: &Meta, tracking_no: &str) -> Result<&Shipment, Refusal> {
        let found = self.of_waybill(tracking_no)?;
        if found.is_of(meta.actor.carrier()) {
            Ok(found)
        } else {
            Err(Refusal::NotFound { shipment: tracking_no.to_owned() })
        }
    }

    /// Takes what is remembered of a parcel; gives whether anything is.
    pub fn recall(&mut self, memory: &Memory, key: &Key) -> bool {
        let known = memory.shipments.get(key).cloned();
        known.is_some_and(|shipment| {
            self.recalled.insert(*key);
            self.know(shipment);
            true
        })
    }

    /// Lets it go on.
    pub fn apply(&mut self, meta: &Meta, id: ShipmentId, key: Key, events: &[Event]) {
        for event in events {
            let known = self.shipments.remove(&key);
            let shipment = evolve(id, key, known, event);
            if let Some(sighting) = event.sighting() {
                self.seen.insert((shipment.id, sighting.id.clone()));
                self.sightings.push((shipment.id, sighting.clone(), event.changes(), meta.now));
            }
            self.name(&shipment);
            self.shipments.insert(key, shipment);
            self.changed.insert(key);
        }
    }
}
