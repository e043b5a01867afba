//! What a lane remembers: enough for what most claims ask, a first reservation and that it is consumed. Everything else
//! is read.

use std::collections::BTreeMap;

use chassis::Recent;

use super::World;
use crate::domain::{self, Job, Place, Reservation, Stock};
use crate::reservation::domain::Command;

/// SKUs, and reservations, that are remembered.
const LEAST: usize = 2_048;

/// What a lane remembers.
#[derive(Debug)]
pub struct Memory {
    /// Version and stock of SKUs.
    skus: Recent<String, (i64, BTreeMap<Place, Stock>)>,
    reservations: Recent<Job, Reservation>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { skus: Recent::new(LEAST), reservations: Recent::new(LEAST) }
    }
}

impl Memory {
    /// What the commands are about, if all of it is remembered.
    pub fn recall(&self, commands: &[&domain::Command]) -> Option<World> {
        let mut world = World::default();
        for command in commands {
            let domain::Command::Reservation(command) = command else { return None };
            match command {
                // It is not there yet, and no other attempt either; if it is, it cannot be written as a new one.
                Command::Reserve { job, wanted, .. } if job.attempt == 1 && self.reservations.get(job).is_none() => {
                    self.know_sku(&mut world, &wanted.sku)?;
                }
                Command::Consume(job) => {
                    let sku = self.know_reservation(&mut world, job)?;
                    self.know_sku(&mut world, &sku)?;
                }
                Command::Reserve { .. } | Command::Release(_) | Command::Expire(..) => return None,
            }
        }
        world.loaded.stock = world.state.stock.clone();
        Some(world)
    }

    fn know_sku(&self, world: &mut World, sku: &str) -> Option<()> {
        let (version, stock) = self.skus.get(sku)?;
        world.state.skus.insert(sku.to_owned());
        world.loaded.skus.insert(sku.to_owned(), *version);
        world.state.stock.extend(stock.iter().map(|(place, stock)| (place.clone(), stock.clone())));
        Some(())
    }

    fn know_reservation(&self, world: &mut World, job: &Job) -> Option<String> {
        let known = self.reservations.get(job)?;
        world.loaded.reservations.insert(*job, known.version);
        world.state.reservations.insert(*job, known.clone());
        Some(known.sku.clone())
    }

    /// The world as it was committed.
    pub fn learn(&mut self, world: World) {
        let World { state, loaded, changed } = world;
        let moved = i64::from(!changed.is_empty());
        let mut stock: BTreeMap<String, BTreeMap<Place, Stock>> = BTreeMap::new();
        for (place, known) in state.stock {
            stock.entry(place.sku.clone()).or_default().insert(place, known);
        }
        self.skus.learn(loaded.skus.into_iter().map(|(sku, version)| {
            let stock = stock.remove(&sku).unwrap_or_default();
            (sku, (version + moved, stock))
        }));
        self.reservations.learn(state.reservations);
    }
}
