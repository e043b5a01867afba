//! Reads what a batch is about.
//!
//! The order is fixed: SKUs of the jobs (a job never changes its SKU), then each SKU with its version, or its lock, in order,
//! then everything below. A job that appears between the two reads belongs to another writer: it is left
//! out, and the insert that follows fails on the primary key and is tried again.

use std::collections::BTreeSet;

use chassis::row::count;
use chassis::{Fault, Lock, Tx};
use sqlx::Row;
use uuid::Uuid;

use super::{JobColumns, job, place, reads};
use crate::domain::{Command, Job, ReservationState, Stock, Waiting};
use crate::world::World;

pub(super) const JOB_SKUS: &str = "\
    SELECT r.sku, true AS reserved FROM reservation r \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt) \
    UNION \
    SELECT g.sku, false FROM goods_return g \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt)";

pub(super) const READ: &str = "SELECT sku, version FROM sku WHERE sku = ANY($1) ORDER BY sku";
pub(super) const LOCK: &str = "SELECT sku, version FROM sku WHERE sku = ANY($1) ORDER BY sku FOR NO KEY UPDATE";

pub(super) const WAREHOUSES: &str = "SELECT warehouse, custodian FROM warehouse WHERE warehouse = ANY($1)";

pub(super) const DELIVERIES: &str = "\
    SELECT warehouse, document, contents FROM delivery \
    JOIN UNNEST($1::text[], $2::text[]) AS d(warehouse, document) USING (warehouse, document)";

pub(super) const STOCK: &str = "\
    SELECT sku, batch, warehouse, zone, on_hand, reserved, moves FROM stock WHERE sku = ANY($1)";

/// All attempts of the lines that are asked about, and the back-orders of SKUs that may become available.
/// Rows that are failed or released hold nothing; they may have a SKU that is not locked, or none.
pub(super) const RESERVATIONS: &str = "\
    SELECT claim_id, round, line, attempt, sku, batch, batch_rule, wanted, commit, state, queued_at, expires_at, \
        expected_on, policy_version, version \
    FROM reservation \
    JOIN (SELECT DISTINCT claim_id, round, line FROM UNNEST($1::uuid[], $2::int[], $3::int[]) \
        AS k(claim_id, round, line)) j USING (claim_id, round, line) \
    WHERE sku = ANY($4) OR state IN ('failed', 'batch_unknown', 'released') \
    UNION \
    SELECT claim_id, round, line, attempt, sku, batch, batch_rule, wanted, commit, state, queued_at, expires_at, \
        expected_on, policy_version, version \
    FROM reservation WHERE sku = ANY($5) AND state = 'held_partly'";

pub(super) const ALLOCATIONS: &str = "\
    SELECT claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity FROM allocation \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt)";

pub(super) const RETURNS: &str = "\
    SELECT claim_id, round, line, attempt, sku, batch, announced, reason, accepted, damaged, wrong_item, unsalable, \
        not_as_claimed, other_sku, state, version \
    FROM goods_return \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt) \
    WHERE sku = ANY($5) OR sku = ''";

/// `damaged` are all units of the SKU of the return, whatever is wrong with them.
pub(super) const WAITING: &str = "\
    SELECT claim_id, round, line, attempt, warehouse, damaged, wrong_item FROM return_waiting \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt)";

/// What the commands of a batch are about.
#[derive(Default)]
struct Wanted {
    /// SKUs that are named.
    skus: BTreeSet<String>,
    /// SKUs of which stock may become available: their back-orders are needed.
    freed: BTreeSet<String>,
    warehouses: BTreeSet<String>,
    /// Deliveries that are named, by warehouse and document.
    deliveries: BTreeSet<(String, String)>,
    reservations: BTreeSet<Job>,
    returns: BTreeSet<Job>,
    /// Reservations or returns among these may free stock of the SKU they turn out to have.
    frees_reserved: bool,
    frees_returned: bool,
}

impl Wanted {
    fn add(&mut self, command: &Command) {
        match command {
            Command::RegisterSkus(skus) => self.skus.extend(skus.iter().map(|sku| sku.sku.clone())),
            Command::RegisterWarehouse(_) => {}
            Command::ReceiveGoods { warehouse, document, lines, .. } => {
                self.warehouses.insert(warehouse.clone());
                if !document.is_empty() {
                    self.deliveries.insert((warehouse.clone(), document.clone()));
                }
                self.freed.extend(lines.iter().map(|line| line.sku.clone()));
            }
            Command::AdjustStock { place, .. } | Command::MoveStock { from: place, .. } => {
                self.warehouses.insert(place.warehouse.clone());
                self.freed.insert(place.sku.clone());
            }
            Command::Reserve { job, wanted, .. } => {
                self.reservations.insert(*job);
                self.skus.insert(wanted.sku.clone());
            }
            Command::Consume(job) => drop(self.reservations.insert(*job)),
            Command::Release(job) | Command::Expire(job, _) => {
                self.reservations.insert(*job);
                self.frees_reserved = true;
            }
            Command::ExpectReturn { job, announced, .. } => {
                self.returns.insert(*job);
                self.skus.insert(announced.sku.clone());
            }
            Command::CancelReturn(job) => drop(self.returns.insert(*job)),
            Command::ReceiveReturn { job, receipt, .. } => {
                self.returns.insert(*job);
                self.warehouses.insert(receipt.warehouse.clone());
                self.frees_returned = true;
            }
            Command::DisposeReturn { job, other_sku, .. } => {
                self.returns.insert(*job);
                self.frees_returned = true;
                if !other_sku.is_empty() {
                    self.freed.insert(other_sku.clone());
                }
            }
        }
    }
}

/// Reads what the commands are about.
pub async fn load(tx: &mut Tx, lock: Lock, commands: &[&Command]) -> Result<World, Fault> {
    let mut wanted = Wanted::default();
    commands.iter().for_each(|command| wanted.add(command));
    find_skus(tx, &mut wanted).await?;

    let mut world = World::default();
    let names: Vec<&String> = wanted.skus.union(&wanted.freed).collect();
    if !names.is_empty() {
        let query = sqlx::query_as(lock.pick(LOCK, READ)).bind(names);
        let skus: Vec<(String, i64)> = query.fetch_all(&mut *tx).await?;
        world.state.skus = skus.iter().map(|(sku, _)| sku.clone()).collect();
        world.loaded.skus = skus.into_iter().collect();
    }
    if !wanted.warehouses.is_empty() {
        let codes: Vec<&String> = wanted.warehouses.iter().collect();
        let known: Vec<(String, String)> = sqlx::query_as(WAREHOUSES).bind(codes).fetch_all(&mut *tx).await?;
        world.state.warehouses = known.into_iter().collect();
    }
    if !wanted.deliveries.is_empty() {
        let (warehouses, documents): (Vec<&String>, Vec<&String>) =
            wanted.deliveries.iter().map(|(warehouse, document)| (warehouse, document)).unzip();
        let query = sqlx::query_as(DELIVERIES).bind(warehouses).bind(documents);
        let known: Vec<(String, String, Uuid)> = query.fetch_all(&mut *tx).await?;
        let known = known.into_iter().map(|(warehouse, document, contents)| ((warehouse, document), contents));
        world.state.deliveries = known.collect();
    }
    stock(tx, &mut world).await?;
    reservations(tx, &mut world, &wanted).await?;
    returns(tx, &mut world, &wanted).await?;
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

async fn stock(tx: &mut Tx, world: &mut World) -> Result<(), Fault> {
    if world.state.skus.is_empty() {
        return Ok(());
    }
    let locked: Vec<&String> = world.state.skus.iter().collect();
    for row in sqlx::query(STOCK).bind(locked).fetch_all(tx).await? {
        let stock = Stock {
            on_hand: row.try_get("on_hand")?,
            reserved: row.try_get("reserved")?,
            moves: row.try_get("moves")?,
        };
        world.state.stock.insert(place(&row)?, stock);
    }
    world.loaded.stock = world.state.stock.clone();
    Ok(())
}

async fn reservations(tx: &mut Tx, world: &mut World, wanted: &Wanted) -> Result<(), Fault> {
    if wanted.reservations.is_empty() && wanted.freed.is_empty() {
        return Ok(());
    }
    let lines: JobColumns = wanted.reservations.iter().collect();
    let locked: Vec<&String> = world.state.skus.iter().collect();
    let freed: Vec<&String> = wanted.freed.intersection(&world.state.skus).collect();
    let query = sqlx::query(RESERVATIONS).bind(lines.claim).bind(lines.round).bind(lines.line).bind(locked).bind(freed);
    for row in query.fetch_all(&mut *tx).await? {
        let job = job(&row)?;
        let reservation = reads::reservation(&row)?;
        world.loaded.reservations.insert(job, reservation.version);
        world.state.reservations.insert(job, reservation);
    }
    allocations(tx, world).await
}

async fn allocations(tx: &mut Tx, world: &mut World) -> Result<(), Fault> {
    let holds = |state: ReservationState| {
        matches!(state, ReservationState::HeldPartly | ReservationState::Held | ReservationState::Committed)
    };
    let open = world.state.reservations.iter().filter(|(_, it)| holds(it.state)).map(|(job, _)| job);
    let jobs: JobColumns = open.collect();
    if jobs.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(ALLOCATIONS).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt);
    for row in query.fetch_all(tx).await? {
        if let Some(reservation) = world.state.reservations.get_mut(&job(&row)?) {
            reservation.allocations.insert(place(&row)?, count(&row, "quantity")?);
        }
    }
    Ok(())
}

async fn returns(tx: &mut Tx, world: &mut World, wanted: &Wanted) -> Result<(), Fault> {
    if wanted.returns.is_empty() {
        return Ok(());
    }
    let jobs: JobColumns = wanted.returns.iter().collect();
    let locked: Vec<&String> = world.state.skus.iter().collect();
    let query = sqlx::query(RETURNS).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt).bind(locked);
    for row in query.fetch_all(&mut *tx).await? {
        let job = job(&row)?;
        let known = reads::goods_return(&row)?;
        world.loaded.returns.insert(job, known.version);
        world.state.returns.insert(job, known);
    }
    let jobs: JobColumns = world.loaded.returns.keys().collect();
    if jobs.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(WAITING).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt);
    for row in query.fetch_all(tx).await? {
        let waiting = Waiting { own: count(&row, "damaged")?, wrong_item: count(&row, "wrong_item")? };
        if let Some(known) = world.state.returns.get_mut(&job(&row)?) {
            known.waiting.insert(row.try_get("warehouse")?, waiting);
        }
    }
    Ok(())
}
