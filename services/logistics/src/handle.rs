//! The one path on which logistics changes: load, decide, save. Each step is done by the noun that a command is about.

use chassis::{Domain, Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::SignedDuration;
use sqlx::PgPool;
use uuid::Uuid;

use crate::command::Command;
use crate::world::{Memory, World};
use crate::{shipment, visit};

/// What the lanes of logistics do.
pub struct Handle {
    /// The rules of the policy pack about parcels.
    pub shipments: shipment::rules::Rules,
    /// The rules of the policy pack about visits.
    pub visits: visit::rules::Rules,
}

impl Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = Memory;

    fn lane(&self, command: &Command) -> Uuid {
        match command {
            Command::Shipment(command) => shipment::decide::lane(command),
            Command::Visit(command) => visit::decide::lane(command),
        }
    }

    /// A parcel is written only as it was read. Visits rest on technicians and their time, which are locked.
    fn is_optimistic(&self, command: &Command) -> bool {
        matches!(command, Command::Shipment(_))
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, memory: &Memory, commands: &[&Command]) -> Result<World, Fault> {
        let (mut of_parcels, mut of_visits) = (Vec::with_capacity(commands.len()), Vec::new());
        for command in commands {
            match command {
                Command::Shipment(command) => of_parcels.push(command),
                Command::Visit(command) => of_visits.push(command),
            }
        }
        let shipments = shipment::store::load(tx, lock, &memory.shipments, &of_parcels).await?;
        Ok(World { shipments, visits: visit::store::load(tx, lock, &of_visits).await? })
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, Refusal> {
        match command {
            Command::Shipment(command) => {
                shipment::decide::decide(&self.shipments, &mut world.shipments, meta, command)
            }
            Command::Visit(command) => visit::decide::decide(&self.visits, &mut world.visits, meta, command),
        }
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        shipment::store::save(writes, &world.shipments);
        visit::store::save(writes, &world.visits);
        Ok(())
    }

    fn remember(&self, memory: &mut Memory, world: World) {
        memory.shipments.learn(world.shipments);
    }
}

/// Sweep: parcels of which a day has passed.
pub async fn parcels_due(
    pool: PgPool,
    offset: SignedDuration,
    rules: shipment::rules::Rules,
) -> Result<Vec<Command>, Fault> {
    let found = shipment::store::due(&pool, offset, &rules.days).await?;
    Ok(found.into_iter().map(|tracking_no| shipment::domain::Command::Due { tracking_no }.into()).collect())
}
