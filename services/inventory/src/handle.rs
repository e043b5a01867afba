//! The one path on which inventory changes: load, decide, save.
//!
//! Stock of one SKU is touched by many claims. `load` finds the SKUs that the commands are about, and everything below
//! them. What is written moves the version of each of them: whoever has read it before comes too late, is rolled back and
//! tries again, with the rows of the SKUs locked, in order. Rows that have no SKU yet (jobs seen for the first time) are
//! guarded by their primary key and by their own version.

use chassis::{Domain, Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::Timestamp;
use proto::inventory::{
    AdjustStockResponse, DisposeReturnResponse, MoveStockResponse, ReceiveGoodsResponse, ReceiveReturnResponse,
    RegisterSkusResponse, RegisterWarehouseResponse,
};
use proto::policy::Dated;
use uuid::Uuid;

use crate::domain::{Command, Event, Job, Place, ReservationState, State, Terms, execute};
use crate::world::{Memory, World};
use crate::{events, store, wire};

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
        let named = |name: &str| proto::ids::derived(Timestamp::UNIX_EPOCH, &[name]);
        match command {
            Command::RegisterSkus(skus) => named(skus.first().map_or("", |sku| &sku.sku)),
            Command::RegisterWarehouse(warehouse) => named(&warehouse.warehouse),
            Command::ReceiveGoods { lines, .. } => named(lines.first().map_or("", |line| &line.sku)),
            Command::AdjustStock { place, .. } | Command::MoveStock { from: place, .. } => named(&place.sku),
            Command::Reserve { job, .. }
            | Command::Consume(job)
            | Command::Release(job)
            | Command::Expire(job, _)
            | Command::ExpectReturn { job, .. }
            | Command::CancelReturn(job)
            | Command::ReceiveReturn { job, .. }
            | Command::DisposeReturn { job, .. } => job.claim.0,
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
        Ok(reply(&world.state, command, &events).telling(events::told(&world.state, command, &events)))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        store::save(writes, world);
        Ok(())
    }

    fn remember(&self, memory: &mut Memory, world: World) {
        memory.learn(world);
    }
}

/// The answer to the caller.
fn reply(state: &State, command: &Command, events: &[Event]) -> Outcome {
    match command {
        Command::RegisterSkus(skus) => {
            Outcome::reply(&RegisterSkusResponse { registered: u32::try_from(skus.len()).unwrap_or(u32::MAX) })
        }
        Command::RegisterWarehouse(_) => Outcome::reply(&RegisterWarehouseResponse {}),
        Command::ReceiveGoods { lines, .. } => {
            // A delivery that is known already moves nothing.
            let repeated = events.is_empty();
            let lines = lines.iter().filter(|_| !repeated);
            let units = lines.map(|line| u64::from(line.quantity)).sum();
            Outcome::reply(&ReceiveGoodsResponse { units, reservations_filled: filled(state, events), repeated })
        }
        Command::MoveStock { from, to, .. } => {
            let to = Place { zone: *to, ..from.clone() };
            let on_hand = state.stock.get(&to).map_or(0, |stock| stock.on_hand).unsigned_abs();
            Outcome::reply(&MoveStockResponse { on_hand, reservations_filled: filled(state, events) })
        }
        Command::AdjustStock { place, .. } => {
            let on_hand = state.stock.get(place).map_or(0, |stock| stock.on_hand);
            Outcome::reply(&AdjustStockResponse { on_hand: on_hand.unsigned_abs() })
        }
        Command::ReceiveReturn { job, .. } => {
            let goods_return = state.returns.get(job).map(|known| wire::goods_return(job, known));
            Outcome::reply(&ReceiveReturnResponse { goods_return })
        }
        Command::DisposeReturn { job, .. } => {
            let waiting = state.returns.get(job).map_or(0, crate::domain::Return::waiting);
            Outcome::reply(&DisposeReturnResponse { waiting })
        }
        Command::Reserve { .. }
        | Command::Consume(_)
        | Command::Release(_)
        | Command::Expire(..)
        | Command::ExpectReturn { .. }
        | Command::CancelReturn(_) => Outcome::none(),
    }
}

/// Reservations that have all they want now.
fn filled(state: &State, events: &[Event]) -> u32 {
    let whole = |job: &Job| {
        let reservation = state.reservations.get(job);
        reservation.is_some_and(|it| matches!(it.state, ReservationState::Held | ReservationState::Committed))
    };
    let filled = events.iter().filter(|event| matches!(event, Event::Held { job, .. } if whole(job))).count();
    u32::try_from(filled).unwrap_or(u32::MAX)
}
