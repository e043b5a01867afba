//! Reads what a batch is about.
//!
//! The order is fixed: SKUs of the jobs (a job never changes its SKU), then each SKU with its version, or its lock, in order,
//! then everything below. A job that appears between the two reads belongs to another writer: it is left
//! out, and the insert that follows fails on the primary key and is tried again.

use chassis::{Fault, Lock, Tx};
use std::collections::BTreeSet;

use super::JobColumns;
use crate::domain::{Command, Job};
use crate::world::World;
use crate::{reservation, returns, stock};

pub const JOB_SKUS: &str = "\
    SELECT r.sku, true AS reserved FROM reservation r \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt) \
    UNION \
    SELECT g.sku, false FROM goods_return g \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt)";

/// What the commands of a batch are about.
#[derive(Default)]
pub struct Wanted {
    /// SKUs that are named.
    pub skus: BTreeSet<String>,
    /// SKUs of which stock may become available: their back-orders are needed.
    pub freed: BTreeSet<String>,
    pub warehouses: BTreeSet<String>,
    /// Deliveries that are named, by warehouse and document.
    pub deliveries: BTreeSet<(String, String)>,
    pub reservations: BTreeSet<Job>,
    pub returns: BTreeSet<Job>,
    /// Reservations or returns among these may free stock of the SKU they turn out to have.
    pub frees_reserved: bool,
    pub frees_returned: bool,
}

/// Reads what the commands are about.
pub async fn load(tx: &mut Tx, lock: Lock, commands: &[&Command]) -> Result<World, Fault> {
    let mut wanted = Wanted::default();
    for command in commands {
        match command {
            Command::Stock(command) => stock::store::want(&mut wanted, command),
            Command::Reservation(command) => reservation::store::want(&mut wanted, command),
            Command::Return(command) => returns::store::want(&mut wanted, command),
        }
    }
    find_skus(tx, &mut wanted).await?;

    let mut world = World::default();
    stock::store::load(tx, lock, &mut world, &wanted).await?;
    reservation::store::load(tx, &mut world, &wanted).await?;
    returns::store::load(tx, &mut world, &wanted).await?;
    Ok(world)
}

/// The SKUs of jobs that are named without one.
async fn find_skus(tx: &mut Tx, wanted: &mut Wanted) -> Result<(), Fault> {
    let jobs: JobColumns = wanted.reservations.union(&wanted.returns).collect();
    if jobs.is_empty() {
        return Ok(());
    }
    let query = sqlx::query_as(JOB_SKUS).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt);
    let found: Vec<(String, bool)> = query.fetch_all(tx).await?;
    // Which job frees stock is not told apart: too many back-orders are loaded at worst. A batch that both announces
    // and frees a new SKU names it in the announcement.
    if wanted.frees_reserved || wanted.frees_returned {
        wanted.freed.extend(wanted.skus.iter().cloned());
    }
    for (sku, reserved) in found {
        let frees = if reserved { wanted.frees_reserved } else { wanted.frees_returned };
        if frees {
            wanted.freed.insert(sku);
        } else {
            wanted.skus.insert(sku);
        }
    }
    Ok(())
}
