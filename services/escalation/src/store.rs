//! SQL of this service. The lock of the claim's row is the lock of everything of the claim, and so is its version.

mod approvals;
mod clocks;
mod heads;
mod items;
mod lists;
mod time_mark;

use std::collections::BTreeMap;

use chassis::{Fault, Lock, Tx, Writes, work};
use jiff::SignedDuration;
use uuid::Uuid;

pub use clocks::{clocks_of, due, provisional};
pub use items::overdue;
pub use lists::{Filter, Listed, escalations, items_by_name, routing, work_items};
pub use time_mark::read as time_now;

use crate::domain::Claim;
use crate::world::World;

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    (
        "claim",
        "SELECT, INSERT, UPDATE (acknowledgement_stopped, channel, customer_ref, failed_by, \
            final_solution_stopped, first_feedback_stopped, involved, paused_since, policy_version, round, stopped, \
            version)",
    ),
    (
        "clock",
        "SELECT, INSERT, UPDATE (breached_at, counted_from, deadline, left_us, level, next_at, provisional, \
            severity, state, stopped_at, target_s, warned)",
    ),
    ("escalation", "SELECT, INSERT"),
    ("approval", "SELECT, INSERT, UPDATE (decided_by, state)"),
    (
        "work_item",
        "SELECT, INSERT, UPDATE (assigned_to, closed_at, decided_at, decided_by, note, overdue, raised_at, raised_to, \
            ruling, state, version)",
    ),
    ("work_list", "SELECT"),
    ("work_change", "SELECT, INSERT"),
    ("withdrawn_task", "SELECT, INSERT"),
    ("time_mark", "SELECT, UPDATE (at)"),
];

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[
    heads::READ,
    heads::LOCK,
    heads::NEW,
    heads::WRITE,
    heads::UNCHANGED,
    clocks::LOAD,
    clocks::WRITE,
    clocks::RAISE,
    clocks::DUE,
    clocks::PROVISIONAL,
    time_mark::MARK,
    time_mark::READ,
    clocks::OF_CLAIM,
    approvals::LOAD,
    approvals::WRITE,
    items::LOAD,
    items::WRITE,
    items::OVERDUE,
    items::LOAD_WITHDRAWN,
    items::WITHDRAW,
    lists::ROUTING,
    lists::ESCALATIONS,
    lists::OPEN_ITEMS,
    lists::ALL_ITEMS,
    lists::SHOWN,
    work::rows::STATEMENTS[0],
    work::rows::STATEMENTS[1],
    work::rows::STATEMENTS[2],
    work::rows::STATEMENTS[3],
    work::rows::STATEMENTS[4],
];

/// Reads everything of claims.
pub async fn read(
    tx: &mut Tx,
    lock: Lock,
    ids: &[Uuid],
) -> Result<(BTreeMap<Uuid, i64>, BTreeMap<Uuid, Claim>), Fault> {
    if ids.is_empty() {
        return Ok(Default::default());
    }
    let (mut versions, mut claims) = (BTreeMap::new(), BTreeMap::new());
    for (id, (version, claim)) in heads::read(tx, lock, ids).await? {
        versions.insert(id, version);
        claims.insert(id, claim);
    }
    if !claims.is_empty() {
        clocks::load(tx, ids, &mut claims).await?;
        approvals::load(tx, ids, &mut claims).await?;
        items::load(tx, ids, &mut claims).await?;
    }
    Ok((versions, claims))
}

/// Writes every row that is not as it was loaded.
pub fn save(writes: &mut Writes, world: &World) -> Result<(), Fault> {
    let nothing = |id: &Uuid, claim: &Claim| Claim::new((*id).into(), &claim.head.number);
    let new: BTreeMap<Uuid, Claim> = (world.claims.iter())
        .filter(|(id, _)| !world.versions.contains_key(id))
        .map(|(id, claim)| (*id, nothing(id, claim)))
        .collect();
    let before = |id: &Uuid| world.loaded.get(id).or_else(|| new.get(id));
    let pairs: Vec<(Uuid, &Claim, &Claim)> =
        world.claims.iter().filter_map(|(id, claim)| Some((*id, before(id)?, claim))).collect();
    heads::write(writes, world)?;
    clocks::write(writes, &pairs)?;
    clocks::raise(writes, &pairs)?;
    approvals::write(writes, &pairs)?;
    items::write(writes, &pairs)?;
    let moved: Vec<_> = pairs.iter().flat_map(|(_, _, after)| after.moved.iter().cloned()).collect();
    work::rows::keep(writes, &moved);
    items::withdraw(writes, &pairs)
}

/// An offset of the clock as the database reads it.
fn interval(offset: SignedDuration) -> String {
    format!("{} microseconds", offset.as_micros())
}

/// A number of ours in the database, which has no unsigned ones.
fn int(number: u32) -> Result<i32, Fault> {
    i32::try_from(number).map_err(|_| Fault::Permanent(format!("{number} is too great for the database")))
}

fn ints(numbers: impl Iterator<Item = u32>) -> Result<Vec<i32>, Fault> {
    numbers.map(int).collect()
}

fn optional_ints(numbers: impl Iterator<Item = Option<u32>>) -> Result<Vec<Option<i32>>, Fault> {
    numbers.map(|number| number.map(int).transpose()).collect()
}
