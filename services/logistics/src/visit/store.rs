//! The SQL of technicians and visits.

mod rows;

use chassis::{Fault, Lock, Tx, Writes};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use prost::Message;
use proto::logistics::words::VisitFailure;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::domain::{Act, Appointment, Command, Job, Technician, Trip, Visit, VisitState};
use super::wire;
use super::world::World;

/// Technicians that are looked at for an offer.
const TECHNICIANS_MAX: i64 = 5_000;

macro_rules! columns {
    () => {
        "visit_id, claim_id, round, line, attempt, kind, sku, quantity, region, state, offers, technician_id, starts_at, \
         ends_at, trips, reason, version"
    };
}

macro_rules! visits {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM visit \
             WHERE visit_id IN ( \
                 SELECT v.visit_id FROM visit v JOIN UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) \
                     AS k(claim_id, round, line, attempt) USING (claim_id, round, line, attempt) \
                 UNION ALL \
                 SELECT visit_id FROM visit WHERE visit_id = ANY($5)) \
             ORDER BY visit_id"
        )
    };
}

const READ: &str = visits!();
const LOCK: &str = concat!(visits!(), " FOR UPDATE");
const TECHNICIANS: &str = "\
    SELECT technician_id, record, version FROM technician WHERE technician_id = ANY($1) ORDER BY technician_id";
const LOCK_TECHNICIANS: &str = "\
    SELECT technician_id, record, version FROM technician WHERE technician_id = ANY($1) ORDER BY technician_id FOR UPDATE";
/// Everybody; an offer holds nothing, so nothing is locked.
const EVERYBODY: &str = "\
    SELECT technician_id, record, version FROM technician ORDER BY technician_id LIMIT $1";
const SLOTS: &str = "\
    SELECT technician_id, slot, visit_id FROM technician_slot \
    WHERE technician_id = ANY($1) AND slot >= $2 AND slot < $3";
const NEW: &str = concat!(
    "INSERT INTO visit (",
    columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[], $8::bigint[], \
        $9::text[], $10::text[], $11::bytea[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::int[], $16::text[], \
        $17::bigint[])"
);
/// Only as they were read.
const CHANGE: &str = "\
    UPDATE visit v SET state = n.state, offers = n.offers, technician_id = n.technician_id, starts_at = n.starts_at, \
        ends_at = n.ends_at, trips = n.trips, reason = n.reason, version = n.version \
    FROM UNNEST($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], \
        $8::text[], $9::bigint[], $10::bigint[]) \
        AS n(visit_id, state, offers, technician_id, starts_at, ends_at, trips, reason, version, was) \
    WHERE v.visit_id = n.visit_id AND v.version = n.was";
const TRIPS: &str = "\
    INSERT INTO visit_trip (visit_id, number, technician_id, starts_at, ends_at, outcome, failure, work, material, \
        serial_out, serial_in, reported_at) \
    SELECT * FROM UNNEST($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], \
        $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[])";
const FREE: &str = "DELETE FROM technician_slot WHERE visit_id = ANY($1)";
/// Two visits at one time have one key: the second is refused by the table.
const TAKE: &str = "\
    INSERT INTO technician_slot (technician_id, slot, visit_id) \
    SELECT * FROM UNNEST($1::text[], $2::timestamptz[], $3::uuid[])";
const NEW_TECHNICIANS: &str = "\
    INSERT INTO technician (technician_id, skills, regions, record, version) \
    SELECT technician_id, string_to_array(skills, ' '), string_to_array(regions, ' '), record, version \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[]) \
        AS n(technician_id, skills, regions, record, version)";
const CHANGE_TECHNICIANS: &str = "\
    UPDATE technician t SET skills = string_to_array(n.skills, ' '), regions = string_to_array(n.regions, ' '), \
        record = n.record, version = n.version \
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[]) \
        AS n(technician_id, skills, regions, record, version, was) \
    WHERE t.technician_id = n.technician_id AND t.version = n.was";
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM visit \
     WHERE kind <> '' AND ($1::uuid IS NULL OR claim_id = $1) AND ($2::text IS NULL OR state = $2) \
        AND ($3::text IS NULL OR technician_id = $3) AND ($4::uuid IS NULL OR visit_id > $4) \
     ORDER BY visit_id LIMIT $5"
);
const GET: &str = concat!("SELECT ", columns!(), " FROM visit WHERE visit_id = $1");
const ENDED: &str = "\
    SELECT number, technician_id, starts_at, ends_at, outcome, failure, work, material, serial_out, serial_in, reported_at \
    FROM visit_trip WHERE visit_id = $1 ORDER BY number LIMIT 100";
const LIST_TECHNICIANS: &str = "\
    SELECT technician_id, record, version FROM technician \
    WHERE ($1 = '' OR $1 = ANY(skills)) AND ($2 = '' OR $2 = ANY(regions) OR split_part($2, '-', 1) = ANY(regions)) \
        AND ($3::text IS NULL OR technician_id > $3) \
    ORDER BY technician_id LIMIT $4";

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    ("technician", "SELECT, INSERT, UPDATE (record, regions, skills, version)"),
    ("visit", "SELECT, INSERT, UPDATE (ends_at, offers, reason, starts_at, state, technician_id, trips, version)"),
    ("visit_trip", "SELECT, INSERT"),
    ("technician_slot", "SELECT, INSERT, DELETE"),
];

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[
    READ,
    LOCK,
    TECHNICIANS,
    LOCK_TECHNICIANS,
    EVERYBODY,
    SLOTS,
    NEW,
    CHANGE,
    TRIPS,
    FREE,
    TAKE,
    NEW_TECHNICIANS,
    CHANGE_TECHNICIANS,
    LIST,
    GET,
    ENDED,
    LIST_TECHNICIANS,
];

/// Finds the visits and technicians of a batch; nothing is read if it has none.
pub async fn load(tx: &mut Tx, lock: Lock, commands: &[&Command]) -> Result<World, Fault> {
    let mut world = World::default();
    if commands.is_empty() {
        return Ok(world);
    }
    visits(tx, lock, &mut world, commands).await?;
    technicians(tx, lock, &mut world, commands).await?;
    slots(tx, &mut world, commands).await?;
    Ok(world)
}

async fn visits(tx: &mut Tx, lock: Lock, world: &mut World, commands: &[&Command]) -> Result<(), Fault> {
    let (mut jobs, mut ids) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::Arrange { job, .. } | Command::CallOff { job } => jobs.push(*job),
            Command::Act { id, .. } => ids.push(*id),
            Command::Record(_) => {}
        }
    }
    let number = |pick: fn(&Job) -> u32| jobs.iter().map(|job| pick(job).cast_signed()).collect::<Vec<i32>>();
    let rows = sqlx::query(lock.pick(LOCK, READ))
        .bind(jobs.iter().map(|job| job.claim.0).collect::<Vec<_>>())
        .bind(number(|job| job.round))
        .bind(number(|job| job.line))
        .bind(number(|job| job.attempt))
        .bind(ids)
        .fetch_all(tx)
        .await?;
    for row in &rows {
        world.know(rows::visit(row)?);
    }
    Ok(())
}

/// Those who are named or appointed, and everybody if appointments are to be offered.
async fn technicians(tx: &mut Tx, lock: Lock, world: &mut World, commands: &[&Command]) -> Result<(), Fault> {
    let mut names: Vec<String> = Vec::new();
    for command in commands {
        match command {
            Command::Record(rows) => names.extend(rows.iter().map(|(technician, _)| technician.id.clone())),
            Command::Act { act: Act::Appoint(name, _), .. } => names.push(name.clone()),
            Command::Act { .. } | Command::Arrange { .. } | Command::CallOff { .. } => {}
        }
    }
    let appointed = world.visits.values().filter_map(|visit| visit.appointment.as_ref());
    names.extend(appointed.map(|appointment| appointment.technician.clone()));
    if !names.is_empty() {
        let rows = sqlx::query(lock.pick(LOCK_TECHNICIANS, TECHNICIANS)).bind(names).fetch_all(&mut *tx).await?;
        for row in &rows {
            world.know_technician(rows::technician(row)?);
        }
    }
    if commands.iter().any(|command| matches!(command, Command::Act { act: Act::Propose(_), .. })) {
        for row in &sqlx::query(EVERYBODY).bind(TECHNICIANS_MAX).fetch_all(tx).await? {
            let technician = rows::technician(row)?;
            if !world.technicians.contains_key(&technician.id) {
                world.know_technician(technician);
            }
        }
    }
    Ok(())
}

/// Where technicians are in the times that are asked for; what was given back is not there any more.
async fn slots(tx: &mut Tx, world: &mut World, commands: &[&Command]) -> Result<(), Fault> {
    let day = SignedDuration::from_hours(24);
    let mut wanted = Vec::new();
    for command in commands {
        match command {
            Command::Act { act: Act::Appoint(name, starts_at), .. } => {
                let end = starts_at.saturating_add(day).unwrap_or(Timestamp::MAX);
                wanted.push((vec![name.clone()], *starts_at, end));
            }
            Command::Act { act: Act::Propose(_), .. } => {
                let everybody = world.technicians.keys().cloned().collect();
                wanted.push((everybody, Timestamp::UNIX_EPOCH, Timestamp::MAX));
            }
            Command::Act { .. } | Command::Arrange { .. } | Command::CallOff { .. } | Command::Record(_) => {}
        }
    }
    for (names, begin, end) in wanted {
        let query = sqlx::query(SLOTS).bind(names).bind(begin.to_sqlx()).bind(end.to_sqlx());
        for row in &query.fetch_all(&mut *tx).await? {
            let slot = (row.try_get("technician_id")?, chassis::row::time(row, "slot")?);
            world.busy.insert(slot, row.try_get("visit_id")?);
        }
    }
    Ok(())
}

/// Writes what has changed.
pub fn save(writes: &mut Writes, world: &World) {
    save_technicians(writes, world);
    let changed = world.changed.iter().filter_map(|id| world.visits.get(id));
    let was = |visit: &&Visit| world.before.get(&visit.id).map(|(version, _)| *version);
    let (known, new): (Vec<&Visit>, Vec<&Visit>) = changed.partition(|visit| was(visit).is_some());
    if !new.is_empty() {
        save_new(writes, &new);
    }
    if !known.is_empty() {
        writes
            .exactly(known.len(), CHANGE)
            .bind(all(&known, |it| it.id))
            .bind(all(&known, |it| it.state.word()))
            .bind(all(&known, rows::offers))
            .bind(all(&known, |it| agreed(it).map(|it| it.technician.clone())))
            .bind(all(&known, |it| agreed(it).map(|it| it.starts_at.to_sqlx())))
            .bind(all(&known, |it| agreed(it).map(|it| it.ends_at.to_sqlx())))
            .bind(all(&known, |it| it.trips.cast_signed()))
            .bind(all(&known, |it| it.reason.clone()))
            .bind(all(&known, |it| it.version))
            .bind(known.iter().filter_map(was).collect::<Vec<_>>());
    }
    if !world.trips.is_empty() {
        save_trips(writes, &world.trips);
    }
    save_slots(writes, world);
}

fn agreed(visit: &Visit) -> Option<&Appointment> {
    visit.appointment.as_ref()
}

fn all<V, T>(changed: &[&V], pick: impl Fn(&V) -> T) -> Vec<T> {
    changed.iter().map(|row| pick(row)).collect()
}

fn save_new(writes: &mut Writes, new: &[&Visit]) {
    writes
        .exactly(new.len(), NEW)
        .bind(all(new, |it| it.id))
        .bind(all(new, |it| it.job.claim.0))
        .bind(all(new, |it| it.job.round.cast_signed()))
        .bind(all(new, |it| it.job.line.cast_signed()))
        .bind(all(new, |it| it.job.attempt.cast_signed()))
        .bind(all(new, |it| it.wanted.kind.clone()))
        .bind(all(new, |it| it.wanted.sku.clone()))
        .bind(all(new, |it| i64::from(it.wanted.quantity)))
        .bind(all(new, |it| it.wanted.region.clone()))
        .bind(all(new, |it| it.state.word()))
        .bind(all(new, rows::offers))
        .bind(all(new, |it| agreed(it).map(|it| it.technician.clone())))
        .bind(all(new, |it| agreed(it).map(|it| it.starts_at.to_sqlx())))
        .bind(all(new, |it| agreed(it).map(|it| it.ends_at.to_sqlx())))
        .bind(all(new, |it| it.trips.cast_signed()))
        .bind(all(new, |it| it.reason.clone()))
        .bind(all(new, |it| it.version));
}

fn save_trips(writes: &mut Writes, trips: &[(Uuid, Trip)]) {
    let all = |pick: fn(&Trip) -> &str| trips.iter().map(|(_, trip)| pick(trip).to_owned()).collect::<Vec<_>>();
    let time = |pick: fn(&Trip) -> Timestamp| trips.iter().map(|(_, trip)| pick(trip).to_sqlx()).collect::<Vec<_>>();
    writes
        .exactly(trips.len(), TRIPS)
        .bind(trips.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(trips.iter().map(|(_, trip)| trip.number.cast_signed()).collect::<Vec<_>>())
        .bind(all(|trip| &trip.appointment.technician))
        .bind(time(|trip| trip.appointment.starts_at))
        .bind(time(|trip| trip.appointment.ends_at))
        .bind(all(|trip| trip.report.outcome.word()))
        .bind(trips.iter().map(|(_, trip)| trip.report.failure.map(VisitFailure::word)).collect::<Vec<_>>())
        .bind(all(|trip| &trip.report.work))
        .bind(all(|trip| &trip.report.material))
        .bind(all(|trip| &trip.report.serial_out))
        .bind(all(|trip| &trip.report.serial_in))
        .bind(time(|trip| trip.reported_at));
}

/// The time of a technician is taken and given back with the appointment. What is given back goes before what is taken.
fn save_slots(writes: &mut Writes, world: &World) {
    let before = |id: &Uuid| world.before.get(id).and_then(|(_, appointment)| appointment.as_ref());
    let changed = world.changed.iter().filter_map(|id| world.visits.get(id));
    let moved: Vec<&Visit> = changed.filter(|visit| before(&visit.id) != visit.appointment.as_ref()).collect();
    let freed: Vec<Uuid> = moved.iter().filter(|visit| before(&visit.id).is_some()).map(|visit| visit.id).collect();
    let taken = moved.iter().filter_map(|visit| visit.appointment.as_ref().map(|agreed| (agreed, visit.id)));
    let taken: Vec<_> =
        taken.flat_map(|(agreed, id)| agreed.slots().map(move |slot| (agreed.technician.clone(), slot, id))).collect();
    if !freed.is_empty() {
        writes.add(FREE).bind(freed);
        if !taken.is_empty() {
            writes.then();
        }
    }
    if !taken.is_empty() {
        writes
            .exactly(taken.len(), TAKE)
            .bind(taken.iter().map(|(name, ..)| name.clone()).collect::<Vec<_>>())
            .bind(taken.iter().map(|(_, slot, _)| slot.to_sqlx()).collect::<Vec<_>>())
            .bind(taken.iter().map(|(.., id)| *id).collect::<Vec<_>>());
    }
}

fn save_technicians(writes: &mut Writes, world: &World) {
    let recorded = world.recorded.iter().filter_map(|id| world.technicians.get(id));
    let was = |technician: &&Technician| world.versions.get(&technician.id).copied();
    let (known, new): (Vec<&Technician>, Vec<&Technician>) = recorded.partition(|technician| was(technician).is_some());
    let joined = |words: &std::collections::BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>().join(" ");
    for (rows, sql) in [(&new, NEW_TECHNICIANS), (&known, CHANGE_TECHNICIANS)] {
        if rows.is_empty() {
            continue;
        }
        let part = writes
            .exactly(rows.len(), sql)
            .bind(all(rows, |it| it.id.clone()))
            .bind(all(rows, |it| joined(&it.skills)))
            .bind(all(rows, |it| joined(&it.regions)))
            .bind(all(rows, |it| wire::stored(it).encode_to_vec()))
            .bind(all(rows, |it| it.version));
        if sql == CHANGE_TECHNICIANS {
            part.bind(rows.iter().filter_map(was).collect::<Vec<_>>());
        }
    }
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this claim.
    pub claim: Option<Uuid>,
    /// Only this state.
    pub state: Option<VisitState>,
    /// Only those of this technician.
    pub technician: Option<String>,
    /// Only those behind this id.
    pub after: Option<Uuid>,
}

/// Visits that were wanted, oldest first.
pub async fn list(pool: &PgPool, filter: &Filter, limit: i64) -> Result<Vec<Visit>, Fault> {
    let rows = sqlx::query(LIST)
        .bind(filter.claim)
        .bind(filter.state.map(VisitState::word))
        .bind(&filter.technician)
        .bind(filter.after)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(rows::visit).collect()
}

/// One visit with its trips.
pub async fn get(pool: &PgPool, id: Uuid) -> Result<Option<(Visit, Vec<Trip>)>, Fault> {
    let Some(row) = sqlx::query(GET).bind(id).fetch_optional(pool).await? else { return Ok(None) };
    let visit = rows::visit(&row)?;
    let ended = sqlx::query(ENDED).bind(id).fetch_all(pool).await?;
    Ok(Some((visit, ended.iter().map(rows::trip).collect::<Result<_, _>>()?)))
}

/// Technicians with a skill and a region, by their names; empty: all.
pub async fn technicians_of(
    pool: &PgPool,
    (skill, region): (&str, &str),
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Technician>, Fault> {
    let rows = sqlx::query(LIST_TECHNICIANS).bind(skill).bind(region).bind(after).bind(limit).fetch_all(pool).await?;
    rows.iter().map(rows::technician).collect()
}
