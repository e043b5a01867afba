//! The one path on which logistics changes: load, decide, save.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Domain, Fault, Lock, Meta, Outcome, Recent, Tx, Writes};
use jiff::tz::TimeZone;
use proto::ShipmentId;
use proto::logistics::ReportTrackingResponse;
use uuid::Uuid;

use crate::domain::{self, Carriers, Command, Event, Key, Refusal, Shipment, Sighting};
use crate::{events, grpc, store};

/// What the lanes of logistics do.
pub struct Handle {
    /// The carriers of the policy pack.
    pub carriers: Carriers,
}

/// Parcels that a lane remembers.
const LEAST: usize = 1_024;

/// What a lane remembers.
#[derive(Debug)]
pub struct Memory {
    shipments: Recent<Key, Shipment>,
    waybills: Recent<String, Key>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { shipments: Recent::new(LEAST), waybills: Recent::new(LEAST) }
    }
}

impl Memory {
    /// Whose waybill a number is.
    pub fn waybill(&self, tracking_no: &str) -> Option<&Key> {
        self.waybills.get(tracking_no)
    }
}

/// What a batch looks at and changes.
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
    pub sightings: Vec<(ShipmentId, Sighting, bool, jiff::Timestamp)>,
}

impl Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = Memory;

    /// The version of the parcel is what correctness rests on; the lane only keeps order where it can.
    fn lane(&self, command: &Command) -> Uuid {
        match command {
            Command::Book { key, .. } | Command::Cancel { key } => key.claim.0,
            Command::Report { tracking_no, .. } => proto::ids::derived(jiff::Timestamp::UNIX_EPOCH, &[tracking_no]),
        }
    }

    /// A parcel is written only as it was read, and a carrier event only once.
    fn is_guarded(&self, _: &Command) -> bool {
        true
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, memory: &Memory, commands: &[&Command]) -> Result<World, Fault> {
        store::load(tx, lock, memory, commands).await
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, chassis::Refusal> {
        match command {
            Command::Book { key, parcel } => {
                let id = ShipmentId(meta.new_id());
                let today = meta.now.to_zoned(TimeZone::UTC).date();
                let found = domain::book(world.shipments.get(key), id, today, &self.carriers, parcel);
                world.apply(meta, id, *key, &found);
                Ok(Outcome::none().telling(world.shipments.get(key).map(events::booked).unwrap_or_default()))
            }
            Command::Cancel { key } => {
                let found = domain::cancel(world.shipments.get(key));
                world.apply(meta, ShipmentId(meta.new_id()), *key, &found);
                Ok(Outcome::none().telling(world.shipments.get(key).map(events::cancelled)))
            }
            Command::Report { tracking_no, sighting } => report(world, meta, tracking_no, sighting),
        }
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        store::save(writes, world);
        Ok(())
    }

    fn remember(&self, memory: &mut Memory, world: World) {
        memory.shipments.learn(world.shipments);
        memory.waybills.learn(world.waybills);
    }
}

fn report(world: &mut World, meta: &Meta, tracking_no: &str, sighting: &Sighting) -> Result<Outcome, chassis::Refusal> {
    let not_found = || Refusal::NotFound { tracking_no: tracking_no.to_owned() };
    let key = *world.waybills.get(tracking_no).ok_or_else(not_found)?;
    let shipment = world.shipments.get(&key).ok_or_else(not_found)?;
    let (id, before) = (shipment.id, shipment.status);
    let known = world.seen.contains(&(id, sighting.id.clone()));
    let found = domain::report(shipment, known, sighting)?;
    let changed = found.iter().any(|event| matches!(event, Event::Seen { to: Some(_), .. }));
    world.apply(meta, id, key, &found);
    let shipment = world.shipments.get(&key).ok_or_else(not_found)?;
    let reply = ReportTrackingResponse { shipment: Some(grpc::words::wire(shipment)), changed };
    Ok(Outcome::reply(&reply).telling(events::seen(before, shipment, meta.now)))
}

impl World {
    /// A parcel as it was read.
    pub fn know(&mut self, shipment: Shipment) {
        if let Some(booking) = &shipment.booking {
            self.waybills.insert(booking.tracking_no.clone(), shipment.key);
        }
        self.versions.insert(shipment.key, shipment.version);
        self.shipments.insert(shipment.key, shipment);
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

    fn apply(&mut self, meta: &Meta, id: ShipmentId, key: Key, events: &[Event]) {
        for event in events {
            let known = self.shipments.remove(&key);
            let shipment = domain::evolve(id, key, known, event);
            if let Event::Seen { sighting, to } = event {
                self.seen.insert((shipment.id, sighting.id.clone()));
                self.sightings.push((shipment.id, sighting.clone(), to.is_some(), meta.now));
            }
            if let Some(booking) = &shipment.booking {
                self.waybills.insert(booking.tracking_no.clone(), key);
            }
            self.shipments.insert(key, shipment);
            self.changed.insert(key);
        }
    }
}
