//! The one path: load, decide, save. Calls and messages meet here as commands.

use std::sync::Arc;

use chassis::{Domain, Fault, Lock, Meta, Outcome, Tx, Writes, work};
use jiff::SignedDuration;
use proto::ClaimId;
use proto::policy::Packs;
use proto::triage::{DecideWorkItemResponse, RecordOrdersResponse};
use uuid::Uuid;

use crate::domain::{self, Case, Command, Event};
use crate::world::World;
use crate::{events, store};

/// Triage's way with commands.
pub struct Handle {
    /// The versions of the policy pack: a claim is judged by the one that it began with.
    pub packs: Arc<Packs>,
}

impl Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = ();

    /// A decision names its work item only; the lock on the claim keeps it apart from the claim's messages.
    fn lane(&self, command: &Command) -> Uuid {
        match command {
            Command::RecordOrders { request, .. } => *request,
            Command::Assess(ask) => ask.claim.0,
            Command::Cancel { claim, .. } => claim.0,
            Command::Decide { item, .. } | Command::Overdue(item) => *item,
            Command::Work(asked) => asked.item,
        }
    }

    /// Assessments have versions, and an item ends only as it was read.
    fn is_optimistic(&self, _: &Command) -> bool {
        true
    }

    async fn load(&self, tx: &mut Tx, lock: Lock, (): &(), commands: &[&Command]) -> Result<World, Fault> {
        store::load(tx, lock, &self.packs, commands).await
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, chassis::Refusal> {
        let claim = match command {
            Command::RecordOrders { .. } => None,
            Command::Assess(ask) => Some(ask.claim),
            Command::Cancel { claim, .. } => Some(*claim),
            Command::Decide { item, .. } | Command::Overdue(item) => Some(claim_of(world, *item)?),
            Command::Work(asked) => Some(claim_of(world, asked.item)?),
        };
        let nothing = Case::default();
        let case = claim.and_then(|claim| world.cases.get(&claim)).unwrap_or(&nothing);
        let asked = match command {
            Command::Assess(ask) => Some(&**ask),
            Command::Decide { item, .. } | Command::Overdue(item) => case.asked(*item),
            Command::Work(asked) => case.asked(asked.item),
            Command::RecordOrders { .. } | Command::Cancel { .. } => None,
        };
        let pack = self.packs.of_claim(asked.map_or(0, |ask| ask.message.policy_version))?;
        let happened = domain::decide(pack, case, &world.orders, meta, command)?;
        let messages = apply(world, claim, meta, &happened);
        Ok(reply(world, command).telling(messages))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        store::save(writes, world);
        Ok(())
    }
}

/// Lets the world go on; gives what is to be told.
fn apply(world: &mut World, claim: Option<ClaimId>, meta: &Meta, happened: &[Event]) -> Vec<chassis::Outgoing> {
    let mut messages = Vec::new();
    for event in happened {
        if let Some(claim) = claim {
            changes(world, claim, event);
            domain::evolve(world.cases.entry(claim).or_default(), event);
        }
        match (event, claim) {
            (Event::Recorded(recorded), _) => {
                world.orders.record(recorded.order.clone());
                world.versions.push(recorded.clone());
            }
            (Event::Assessed(entry), _) => world.entries.push((**entry).clone()),
            (Event::ItemOpened(item), _) => {
                messages.push(events::work_waits(item, meta));
            }
            (Event::ItemMoved(change), Some(_)) => world.moved.push(change.clone()),
            (Event::ItemOverdue { item, .. }, Some(claim)) => {
                let item = world.cases.get(&claim).and_then(|case| case.items.get(item));
                messages.extend(item.into_iter().flat_map(|item| events::work_overdue(item, meta)));
            }
            (Event::Told(number), Some(claim)) => {
                let entry = world.cases.get(&claim).and_then(|case| case.entries.get(number));
                messages.extend(entry.and_then(events::answer));
            }
            (Event::ItemEnded { .. }, _) | (Event::ItemMoved(_) | Event::ItemOverdue { .. } | Event::Told(_), None) => {
            }
        }
    }
    messages
}

fn claim_of(world: &World, item: Uuid) -> Result<ClaimId, work::Refusal> {
    world.claim_of.get(&item).copied().ok_or(work::Refusal::Unknown(item))
}

/// Work items that change with an event, as they were read.
fn changes(world: &mut World, claim: ClaimId, event: &Event) {
    let item = match event {
        Event::ItemOpened(item) => item.work.id,
        Event::ItemEnded { item, .. } | Event::ItemOverdue { item, .. } => *item,
        Event::ItemMoved(change) => change.item,
        Event::Recorded(_) | Event::Assessed(_) | Event::Told(_) => return,
    };
    let was = world.cases.get(&claim).and_then(|case| case.items.get(&item));
    let was = was.map(|item| (item.work.version, item.overdue));
    world.items.entry((claim, item)).or_insert(was);
}

/// What the caller gets.
fn reply(world: &World, command: &Command) -> Outcome {
    match command {
        Command::RecordOrders { orders, .. } => {
            Outcome::reply(&RecordOrdersResponse { recorded: u32::try_from(orders.len()).unwrap_or(u32::MAX) })
        }
        Command::Decide { item, .. } => {
            let case = world.claim_of.get(item).and_then(|claim| world.cases.get(claim));
            let item = case.and_then(|case| case.items.get(item)).map(events::work_item);
            Outcome::reply(&DecideWorkItemResponse { work_item: item })
        }
        Command::Work(asked) => {
            let case = world.claim_of.get(&asked.item).and_then(|claim| world.cases.get(claim));
            let item = case.and_then(|case| case.items.get(&asked.item));
            item.map_or_else(Outcome::none, |item| Outcome::work(&item.work, events::labels(item)))
        }
        Command::Assess(_) | Command::Cancel { .. } | Command::Overdue(_) => Outcome::none(),
    }
}

/// Work items that nobody has decided in time, by the clock of the database.
pub async fn overdue(pool: sqlx::PgPool, offset: SignedDuration) -> Result<Vec<Command>, Fault> {
    Ok(store::overdue(&pool, offset).await?.into_iter().map(Command::Overdue).collect())
}
