//! Returns, their receipts, and what waits for a disposition, in the database.

use std::collections::BTreeMap;

use chassis::row::{count, job, word};
use chassis::{Fault, Meta, Page, Tx, Writes};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::domain::{Command, Event, Job, Return, ReturnReason, ReturnState, Waiting};
use crate::store::{Filter, JobColumns, Wanted, instant, signed};
use crate::world::{Loaded, Receipted, World};

pub const RETURNS: &str = "\
    SELECT claim_id, round, line, attempt, sku, batch, announced, reason, accepted, damaged, wrong_item, unsalable, \
        not_as_claimed, other_sku, state, version \
    FROM goods_return \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt) \
    WHERE sku = ANY($5) OR sku = ''";

/// `damaged` are all units of the SKU of the return, whatever is wrong with them.
pub const WAITING_OF: &str = "\
    SELECT claim_id, round, line, attempt, warehouse, damaged, wrong_item FROM return_waiting \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt)";

pub const RETURNS_NEW: &str = "\
    INSERT INTO goods_return (claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, sku, batch, announced, reason) \
    SELECT claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, sku, batch, announced, reason \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], \
        $10::int[], $11::int[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::text[], $17::int[], \
        $18::text[]) \
        AS n(claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, sku, batch, announced, reason) \
    ORDER BY claim_id, round, line, attempt";

pub const RETURNS_CHANGED: &str = "\
    UPDATE goods_return g SET accepted = n.accepted, damaged = n.damaged, wrong_item = n.wrong_item, \
        unsalable = n.unsalable, not_as_claimed = n.not_as_claimed, missing = n.missing, excess = n.excess, \
        other_sku = n.other_sku, state = n.state, version = n.version \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], \
        $10::int[], $11::int[], $12::text[], $13::text[], $14::bigint[], $15::bigint[]) \
        AS n(claim_id, round, line, attempt, accepted, damaged, wrong_item, unsalable, not_as_claimed, \
        missing, excess, other_sku, state, version, was) \
    WHERE g.claim_id = n.claim_id AND g.round = n.round AND g.line = n.line AND g.attempt = n.attempt \
        AND g.version = n.was";

pub const RECEIPTS: &str = "\
    INSERT INTO return_receipt (claim_id, round, line, attempt, version, warehouse, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, is_last, actor, received_at) \
    SELECT claim_id, round, line, attempt, version, warehouse, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, is_last, actor, received_at \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::bigint[], $6::text[], $7::int[], $8::int[], $9::int[], \
        $10::int[], $11::int[], $12::text[], $13::bool[], $14::text[], $15::timestamptz[]) \
        AS n(claim_id, round, line, attempt, version, warehouse, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, is_last, actor, received_at)";

pub const WAITING: &str = "\
    INSERT INTO return_waiting (claim_id, round, line, attempt, warehouse, damaged, wrong_item) \
    SELECT claim_id, round, line, attempt, warehouse, damaged, wrong_item \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int[], $7::int[]) \
        AS n(claim_id, round, line, attempt, warehouse, damaged, wrong_item) \
    ON CONFLICT (claim_id, round, line, attempt, warehouse) \
        DO UPDATE SET damaged = EXCLUDED.damaged, wrong_item = EXCLUDED.wrong_item";

pub const RETURNS_LISTED: &str = "\
    SELECT return_no, claim_id, round, line, attempt, sku, batch, announced, reason, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, state, version, \
        (SELECT coalesce(sum(w.damaged + w.wrong_item), 0)::integer FROM return_waiting w \
            WHERE (w.claim_id, w.round, w.line, w.attempt) = (g.claim_id, g.round, g.line, g.attempt)) AS waiting \
    FROM goods_return g \
    WHERE sku <> '' AND ($1::uuid IS NULL OR claim_id = $1) AND ($2::text IS NULL OR state = $2) \
        AND return_no > $3 ORDER BY return_no LIMIT $4";

/// Every statement of this file, for the test that prepares them all.
pub const STATEMENTS: &[&str] = &[RETURNS, WAITING_OF, RETURNS_NEW, RETURNS_CHANGED, RECEIPTS, WAITING, RETURNS_LISTED];

/// What a command needs to be known.
pub fn want(wanted: &mut Wanted, command: &Command) {
    wanted.returns.insert(*command.job());
    match command {
        Command::ExpectReturn { announced, .. } => drop(wanted.skus.insert(announced.sku.clone())),
        Command::CancelReturn(_) => {}
        Command::ReceiveReturn { receipt, .. } => {
            wanted.warehouses.insert(receipt.warehouse.clone());
            wanted.frees_returned = true;
        }
        Command::DisposeReturn { other_sku, .. } => {
            wanted.frees_returned = true;
            if !other_sku.is_empty() {
                wanted.freed.insert(other_sku.clone());
            }
        }
    }
}

/// The returns that are asked about.
pub async fn load(tx: &mut Tx, world: &mut World, wanted: &Wanted) -> Result<(), Fault> {
    if wanted.returns.is_empty() {
        return Ok(());
    }
    let jobs: JobColumns = wanted.returns.iter().collect();
    let locked: Vec<&String> = world.state.skus.iter().collect();
    let query = sqlx::query(RETURNS).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt).bind(locked);
    for row in query.fetch_all(&mut *tx).await? {
        let job = job(&row)?;
        let known = goods_return(&row)?;
        world.loaded.returns.insert(job, known.version);
        world.state.returns.insert(job, known);
    }
    let jobs: JobColumns = world.loaded.returns.keys().collect();
    if jobs.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(WAITING_OF).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt);
    for row in query.fetch_all(tx).await? {
        let waiting = Waiting { own: count(&row, "damaged")?, wrong_item: count(&row, "wrong_item")? };
        if let Some(known) = world.state.returns.get_mut(&job(&row)?) {
            known.waiting.insert(row.try_get("warehouse")?, waiting);
        }
    }
    Ok(())
}

/// Writes what has changed.
pub fn save(writes: &mut Writes, world: &World) {
    let World { state, loaded, changed } = world;
    let known = || changed.returns.iter().filter_map(|job| Some((job, state.returns.get(job)?)));
    returns(writes, loaded, known());
    receipts(writes, &changed.receipts);
    waiting(writes, known());
}

#[derive(Default)]
struct ReturnColumns {
    jobs: JobColumns,
    accepted: Vec<i32>,
    damaged: Vec<i32>,
    wrong_item: Vec<i32>,
    unsalable: Vec<i32>,
    not_as_claimed: Vec<i32>,
    missing: Vec<i32>,
    excess: Vec<i32>,
    other_sku: Vec<String>,
    state: Vec<&'static str>,
    version: Vec<i64>,
    was: Vec<i64>,
    sku: Vec<String>,
    batch: Vec<String>,
    announced: Vec<i32>,
    reason: Vec<&'static str>,
}

fn returns<'a>(writes: &mut Writes, loaded: &Loaded, returns: impl Iterator<Item = (&'a Job, &'a Return)>) {
    let (mut new, mut changed) = (ReturnColumns::default(), ReturnColumns::default());
    for (job, known) in returns {
        let was = loaded.returns.get(job);
        let columns = if was.is_some() { &mut changed } else { &mut new };
        columns.jobs.push(job);
        columns.accepted.push(signed(known.accepted));
        columns.damaged.push(signed(known.damaged));
        columns.wrong_item.push(signed(known.wrong_item));
        columns.unsalable.push(signed(known.unsalable));
        columns.not_as_claimed.push(signed(known.not_as_claimed));
        columns.missing.push(signed(known.missing()));
        columns.excess.push(signed(known.excess()));
        columns.other_sku.push(known.other_sku.clone());
        columns.state.push(known.state.word());
        columns.version.push(known.version);
        columns.was.extend(was);
        columns.sku.push(known.sku.clone());
        columns.batch.push(known.batch.clone());
        columns.announced.push(signed(known.announced));
        columns.reason.push(known.reason.map_or(UNSAID, ReturnReason::word));
    }
    for (statement, columns, is_new) in [(RETURNS_NEW, new, true), (RETURNS_CHANGED, changed, false)] {
        let rows = columns.version.len();
        if rows == 0 {
            continue;
        }
        let JobColumns { claim, round, line, attempt } = columns.jobs;
        writes.exactly(rows, statement).bind(claim).bind(round).bind(line).bind(attempt);
        writes.bind(columns.accepted).bind(columns.damaged).bind(columns.wrong_item);
        writes.bind(columns.unsalable).bind(columns.not_as_claimed).bind(columns.missing).bind(columns.excess);
        writes.bind(columns.other_sku).bind(columns.state).bind(columns.version);
        if is_new {
            writes.bind(columns.sku).bind(columns.batch).bind(columns.announced).bind(columns.reason);
        } else {
            writes.bind(columns.was);
        }
    }
}

fn receipts(writes: &mut Writes, receipts: &[Receipted]) {
    if receipts.is_empty() {
        return;
    }
    let JobColumns { claim, round, line, attempt } = receipts.iter().map(|it| &it.job).collect();
    let units = |pick: fn(&Receipted) -> u32| -> Vec<i32> { receipts.iter().map(|it| signed(pick(it))).collect() };
    writes.exactly(receipts.len(), RECEIPTS).bind(claim).bind(round).bind(line).bind(attempt);
    writes.bind(receipts.iter().map(|it| it.version).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| it.receipt.warehouse.as_str()).collect::<Vec<_>>());
    writes.bind(units(|it| it.receipt.accepted)).bind(units(|it| it.receipt.damaged));
    writes.bind(units(|it| it.receipt.wrong_item)).bind(units(|it| it.receipt.unsalable));
    writes.bind(units(|it| it.receipt.not_as_claimed));
    writes.bind(receipts.iter().map(|it| it.receipt.other_sku.as_str()).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| it.receipt.last).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| it.actor.as_str()).collect::<Vec<_>>());
    writes.bind(receipts.iter().map(|it| instant(it.at)).collect::<Vec<_>>());
}

fn waiting<'a>(writes: &mut Writes, returns: impl Iterator<Item = (&'a Job, &'a Return)>) {
    let (mut jobs, mut warehouses) = (JobColumns::default(), Vec::new());
    let (mut own, mut wrong_item) = (Vec::new(), Vec::new());
    for (job, known) in returns {
        for (warehouse, waiting) in &known.waiting {
            jobs.push(job);
            warehouses.push(warehouse.as_str());
            own.push(signed(waiting.own));
            wrong_item.push(signed(waiting.wrong_item));
        }
    }
    if jobs.is_empty() {
        return;
    }
    writes.add(WAITING).bind(jobs.claim).bind(jobs.round).bind(jobs.line).bind(jobs.attempt);
    writes.bind(warehouses).bind(own).bind(wrong_item);
}

/// Notes what an event has changed.
pub fn record(world: &mut World, meta: &Meta, event: &Event) {
    let World { state, changed, .. } = world;
    match event {
        Event::ReturnCounted { job, receipt, .. } => {
            changed.returns.insert(*job);
            changed.receipts.push(Receipted {
                job: *job,
                version: state.returns.get(job).map_or(0, |known| known.version),
                receipt: receipt.clone(),
                actor: meta.actor.subject.clone(),
                at: meta.now,
            });
        }
        Event::ReturnExpected { job, .. } | Event::ReturnCancelled(job) | Event::ReturnDisposed { job, .. } => {
            changed.returns.insert(*job);
        }
    }
}

/// A return in a list.
pub struct StoredReturn {
    /// Its place in the list.
    pub number: i64,
    pub job: Job,
    /// The return, without where its units wait.
    pub known: Return,
    /// Units that wait for a disposition, in all warehouses.
    pub waiting: u32,
}

/// Returns, oldest first.
pub async fn list(pool: &PgPool, filter: &Filter<ReturnState>, page: &Page) -> Result<Vec<StoredReturn>, Fault> {
    let query = sqlx::query(RETURNS_LISTED).bind(filter.claim).bind(filter.state.map(ReturnState::word));
    let rows = query.bind(filter.after).bind(page.limit).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(StoredReturn {
            number: row.try_get("return_no")?,
            job: job(row)?,
            known: goods_return(row)?,
            waiting: count(row, "waiting")?,
        })
    };
    rows.iter().map(read).collect()
}

/// How a row says that nobody said why goods come back.
const UNSAID: &str = "unspecified";

fn reason(row: &PgRow) -> Result<Option<ReturnReason>, Fault> {
    if row.try_get::<&str, _>("reason")? == UNSAID { Ok(None) } else { word(row, "reason").map(Some) }
}

/// The columns of a return, without what waits for a disposition.
fn goods_return(row: &PgRow) -> Result<Return, Fault> {
    Ok(Return {
        sku: row.try_get("sku")?,
        batch: row.try_get("batch")?,
        announced: count(row, "announced")?,
        reason: reason(row)?,
        accepted: count(row, "accepted")?,
        damaged: count(row, "damaged")?,
        wrong_item: count(row, "wrong_item")?,
        unsalable: count(row, "unsalable")?,
        not_as_claimed: count(row, "not_as_claimed")?,
        other_sku: row.try_get("other_sku")?,
        state: word(row, "state")?,
        waiting: BTreeMap::new(),
        version: row.try_get("version")?,
    })
}
