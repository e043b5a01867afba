//! The one path on which inventory changes: load, decide, save.
//!
//! Stock of one SKU is touched by many claims. `load` finds the SKUs that the commands are about, and everything below
//! them. What is written moves the version of each of them: whoever has read it before comes too late, is rolled back and
//! tries again, with the rows of the SKUs locked, in order. Rows that have no SKU yet (jobs seen for the first time) are
//! guarded by their primary key and by their own version.

use chassis::{Domain, Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::Timestamp;
use proto::policy::Dated;
use uuid::Uuid;

use crate::domain::{Command, Terms, execute};
use crate::world::{Memory, World};
use crate::{reservation, returns, stock, store};

/// What the lanes of inventory do.
pub struct Handle {
    /// Rules that are data, of each version of the policy pack.
    pub terms: Dated<Terms>,
}

impl Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = Memory;

    /// Jobs keep their order by claim, the rest by SKU. Nothing but speed depends on it.
    fn lane(&self, command: &Command) -> Uuid {
        match command {
            Command::Stock(command) => proto::ids::derived(Timestamp::UNIX_EPOCH, &[command.key()]),
            Command::Reservation(command) => command.job().claim.0,
            Command::Return(command) => command.job().claim.0,
        }
    }

    /// The versions of the SKUs, and of what has none yet.
    fn is_optimistic(&self, _: &Command) -> bool {
        true
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, memory: &Memory, commands: &[&Command]) -> Result<World, Fault> {
        match memory.recall(commands).filter(|_| lock == Lock::Nothing) {
            Some(world) => Ok(world),
            None => store::load(tx, lock, commands).await,
        }
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, Refusal> {
        let events = execute(&mut world.state, &self.terms, meta.now, command)?;
        for event in &events {
            world.record(meta, event);
        }
        let state = &world.state;
        let answer = match command {
            Command::Stock(command) => stock::calls::reply(state, command, &events),
            Command::Return(command) => {
                returns::calls::reply(state, command).telling(returns::events::told(state, command, &events))
            }
            Command::Reservation(_) => Outcome::none(),
        };
        Ok(answer.telling(reservation::events::told(state, command, &events)))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        store::save(writes, world);
        Ok(())
    }

    fn remember(&self, memory: &mut Memory, world: World) {
        memory.learn(world);
    }
}
