//! Reservations, and what they hold, in the database.

use std::collections::BTreeMap;

use chassis::row::{self, count, job, word};
use chassis::{Fault, Page, Tx, Writes};
use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::domain::{Command, Job, Reservation, ReservationState};
use crate::domain;
use crate::store::{Filter, JobColumns, PlaceColumns, Wanted, instant, place, signed};
use crate::world::{Loaded, World};

/// Holds that ran out are taken in portions, so that a long downtime does not lead to one huge batch.
const DUE: &str = "\
    SELECT claim_id, round, line, attempt, expires_at FROM reservation \
    WHERE expires_at <= now() + $1::text::interval ORDER BY expires_at LIMIT 500";

/// All attempts of the lines that are asked about, and the back-orders of SKUs that may become available.
/// Rows that are failed or released hold nothing; they may have a SKU that is not locked, or none.
pub const RESERVATIONS: &str = "\
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

pub const ALLOCATIONS: &str = "\
    SELECT claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity FROM allocation \
    JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS j(claim_id, round, line, attempt) \
        USING (claim_id, round, line, attempt)";

pub const RESERVATIONS_NEW: &str = "\
    INSERT INTO reservation (claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, \
        sku, batch, batch_rule, wanted, queued_at, policy_version) \
    SELECT claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, \
        sku, batch, batch_rule, wanted, queued_at, policy_version \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int[], $7::bool[], $8::timestamptz[], \
        $9::date[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::int[], $15::timestamptz[], \
        $16::int[]) \
        AS n(claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, \
        sku, batch, batch_rule, wanted, queued_at, policy_version) \
    ORDER BY queued_at, claim_id, round, line, attempt";

pub const RESERVATIONS_CHANGED: &str = "\
    UPDATE reservation r SET state = n.state, held = n.held, commit = n.commit, expires_at = n.expires_at, \
        expected_on = n.expected_on, version = n.version \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int[], $7::bool[], $8::timestamptz[], \
        $9::date[], $10::bigint[], $11::bigint[]) \
        AS n(claim_id, round, line, attempt, state, held, commit, expires_at, expected_on, version, was) \
    WHERE r.claim_id = n.claim_id AND r.round = n.round AND r.line = n.line AND r.attempt = n.attempt \
        AND r.version = n.was";

pub const ALLOCATIONS_GONE: &str = "\
    DELETE FROM allocation a USING UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) \
        AS j(claim_id, round, line, attempt) \
    WHERE a.claim_id = j.claim_id AND a.round = j.round AND a.line = j.line AND a.attempt = j.attempt";

pub const ALLOCATIONS_NEW: &str = "\
    INSERT INTO allocation (claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity) \
    SELECT claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[]) \
        AS n(claim_id, round, line, attempt, sku, batch, warehouse, zone, quantity)";

/// What is only remembered, because its undoing came first, is nothing to look at.
pub const RESERVATIONS_LISTED: &str = "\
    SELECT reservation_no, claim_id, round, line, attempt, sku, batch, batch_rule, wanted, held, commit, state, \
        queued_at, expires_at, expected_on, policy_version, version FROM reservation \
    WHERE sku <> '' AND ($1::uuid IS NULL OR claim_id = $1) AND ($2::text IS NULL OR state = $2) \
        AND reservation_no > $3 ORDER BY reservation_no LIMIT $4";

/// Every statement of this file, for the test that prepares them all.
pub const STATEMENTS: &[&str] = &[
    DUE,
    RESERVATIONS,
    ALLOCATIONS,
    RESERVATIONS_NEW,
    RESERVATIONS_CHANGED,
    ALLOCATIONS_GONE,
    ALLOCATIONS_NEW,
    RESERVATIONS_LISTED,
];

/// What a command needs to be known.
pub fn want(wanted: &mut Wanted, command: &Command) {
    wanted.reservations.insert(*command.job());
    match command {
        Command::Reserve { wanted: goods, .. } => drop(wanted.skus.insert(goods.sku.clone())),
        Command::Consume(_) => {}
        Command::Release(_) | Command::Expire(..) => wanted.frees_reserved = true,
    }
}

/// Holds that ran out, judged by the clock of the database.
pub async fn due(pool: PgPool, offset: SignedDuration) -> Result<Vec<domain::Command>, Fault> {
    let offset = format!("{} milliseconds", offset.as_millis());
    let rows = sqlx::query(DUE).bind(offset).fetch_all(&pool).await?;
    rows.iter()
        .map(|row| {
            let expires_at: jiff_sqlx::Timestamp = row.try_get("expires_at")?;
            Ok(Command::Expire(job(row)?, expires_at.to_jiff()).into())
        })
        .collect()
}

/// All attempts of the lines that are asked about, and the back-orders of what may become available.
pub async fn load(tx: &mut Tx, world: &mut World, wanted: &Wanted) -> Result<(), Fault> {
    if wanted.reservations.is_empty() && wanted.freed.is_empty() {
        return Ok(());
    }
    let lines: JobColumns = wanted.reservations.iter().collect();
    let locked: Vec<&String> = world.state.skus.iter().collect();
    let freed: Vec<&String> = wanted.freed.intersection(&world.state.skus).collect();
    let query = sqlx::query(RESERVATIONS).bind(lines.claim).bind(lines.round).bind(lines.line).bind(locked).bind(freed);
    for row in query.fetch_all(&mut *tx).await? {
        let job = job(&row)?;
        let reservation = reservation(&row)?;
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

/// Writes what has changed.
pub fn save(writes: &mut Writes, world: &World) {
    let World { state, loaded, changed } = world;
    let known = changed.reservations.iter().filter_map(|job| Some((job, state.reservations.get(job)?)));
    reservations(writes, loaded, known);
}

#[derive(Default)]
struct ReservationColumns {
    jobs: JobColumns,
    state: Vec<&'static str>,
    held: Vec<i32>,
    commit: Vec<bool>,
    expires_at: Vec<Option<jiff_sqlx::Timestamp>>,
    expected_on: Vec<Option<jiff_sqlx::Date>>,
    version: Vec<i64>,
    was: Vec<i64>,
    sku: Vec<String>,
    batch: Vec<String>,
    rule: Vec<&'static str>,
    wanted: Vec<i32>,
    queued_at: Vec<jiff_sqlx::Timestamp>,
    policy_version: Vec<i32>,
}

fn reservations<'a>(
    writes: &mut Writes,
    loaded: &Loaded,
    reservations: impl Iterator<Item = (&'a Job, &'a Reservation)>,
) {
    let (mut new, mut changed) = (ReservationColumns::default(), ReservationColumns::default());
    let (mut holders, mut places, mut quantities) = (JobColumns::default(), PlaceColumns::default(), Vec::new());
    for (job, reservation) in reservations {
        let was = loaded.reservations.get(job);
        let columns = if was.is_some() { &mut changed } else { &mut new };
        columns.jobs.push(job);
        columns.state.push(reservation.state.word());
        columns.held.push(signed(reservation.held()));
        columns.commit.push(reservation.commit);
        columns.expires_at.push(reservation.expires_at.map(instant));
        columns.expected_on.push(reservation.expected_on.map(|day| day.to_sqlx()));
        columns.version.push(reservation.version);
        columns.was.extend(was);
        columns.sku.push(reservation.sku.clone());
        columns.batch.push(reservation.batch.clone());
        columns.rule.push(reservation.rule.word());
        columns.wanted.push(signed(reservation.wanted));
        columns.queued_at.push(instant(reservation.queued_at));
        columns.policy_version.push(signed(reservation.policy_version));
        for (place, units) in &reservation.allocations {
            holders.push(job);
            places.push(place);
            quantities.push(signed(*units));
        }
    }
    if !changed.jobs.is_empty() {
        let jobs = &changed.jobs;
        writes.add(ALLOCATIONS_GONE).bind(&jobs.claim).bind(&jobs.round).bind(&jobs.line).bind(&jobs.attempt);
        // What they hold now is written after it.
        if holders.claim.iter().any(|claim| jobs.claim.contains(claim)) {
            writes.then();
        }
    }
    for (statement, columns, is_new) in [(RESERVATIONS_NEW, new, true), (RESERVATIONS_CHANGED, changed, false)] {
        let rows = columns.version.len();
        if rows == 0 {
            continue;
        }
        let JobColumns { claim, round, line, attempt } = columns.jobs;
        writes.exactly(rows, statement).bind(claim).bind(round).bind(line).bind(attempt).bind(columns.state);
        writes.bind(columns.held).bind(columns.commit).bind(columns.expires_at).bind(columns.expected_on);
        writes.bind(columns.version);
        if is_new {
            writes.bind(columns.sku).bind(columns.batch).bind(columns.rule);
            writes.bind(columns.wanted).bind(columns.queued_at).bind(columns.policy_version);
        } else {
            writes.bind(columns.was);
        }
    }
    if holders.is_empty() {
        return;
    }
    let rows = quantities.len();
    let JobColumns { claim, round, line, attempt } = holders;
    let PlaceColumns { sku, batch, warehouse, zone } = places;
    writes.exactly(rows, ALLOCATIONS_NEW).bind(claim).bind(round).bind(line).bind(attempt);
    writes.bind(sku).bind(batch).bind(warehouse).bind(zone).bind(quantities);
}

/// A reservation in a list.
pub struct StoredReservation {
    /// Its place in the list.
    pub number: i64,
    pub job: Job,
    /// The reservation, without its allocations.
    pub reservation: Reservation,
    /// Units held.
    pub held: u32,
}

/// Reservations, oldest first.
pub async fn list(
    pool: &PgPool,
    filter: &Filter<ReservationState>,
    page: &Page,
) -> Result<Vec<StoredReservation>, Fault> {
    let query = sqlx::query(RESERVATIONS_LISTED).bind(filter.claim).bind(filter.state.map(ReservationState::word));
    let rows = query.bind(filter.after).bind(page.limit).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(StoredReservation {
            number: row.try_get("reservation_no")?,
            job: job(row)?,
            reservation: reservation(row)?,
            held: count(row, "held")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The columns of a reservation, without its allocations.
fn reservation(row: &PgRow) -> Result<Reservation, Fault> {
    Ok(Reservation {
        sku: row.try_get("sku")?,
        batch: row.try_get("batch")?,
        rule: word(row, "batch_rule")?,
        wanted: count(row, "wanted")?,
        policy_version: count(row, "policy_version")?,
        commit: row.try_get("commit")?,
        state: word(row, "state")?,
        allocations: BTreeMap::new(),
        queued_at: row::time(row, "queued_at")?,
        expires_at: row::optional_time(row, "expires_at")?,
        expected_on: row::optional_day(row, "expected_on")?,
        version: row.try_get("version")?,
    })
}
