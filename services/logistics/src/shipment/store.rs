//! The SQL of parcels.

mod rows;

use chassis::{Fault, Lock, Tx, Writes, row};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::domain::{Command, Days, Direction, Key, Shipment, Sighting, Status, TrackingReason};
use super::world::{Memory, World};
use rows::{shipment, status};

macro_rules! columns {
    () => {
        "shipment_id, claim_id, round, line, attempt, direction, state, reason, tracking_no, carrier_tracking_no, carrier, \
         mode, sku, quantity, country, cost_minor, currency, promised_on, expected_on, held_until, overdue, moved_at, \
         version"
    };
}

macro_rules! shipments {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM shipment \
             WHERE shipment_id IN ( \
                 SELECT s.shipment_id FROM shipment s JOIN UNNEST($1::uuid[], $2::text[], $3::int[], $4::int[], $5::int[]) \
                     AS k(claim_id, direction, round, line, attempt) USING (claim_id, direction, round, line, attempt) \
                 UNION ALL \
                 SELECT shipment_id FROM shipment WHERE tracking_no = ANY($6) \
                 UNION ALL \
                 SELECT shipment_id FROM shipment WHERE carrier_tracking_no = ANY($6)) \
             ORDER BY shipment_id"
        )
    };
}

const READ: &str = shipments!();
const LOCK: &str = concat!(shipments!(), " FOR UPDATE");
const SEEN: &str = "\
    SELECT shipment_id, carrier_event_id FROM tracking_event \
    WHERE shipment_id = ANY($1) AND carrier_event_id = ANY($2)";
const NEW: &str = concat!(
    "INSERT INTO shipment (",
    columns!(),
    ", due_on) SELECT ",
    columns!(),
    ", due_on \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], \
        $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::bigint[], $17::text[], \
        $18::date[], $19::date[], $20::date[], $21::bool[], $22::timestamptz[], $23::bigint[], $24::date[]) \
        AS n(",
    columns!(),
    ", due_on)"
);
/// Only as they were read.
const CHANGE: &str = "\
    UPDATE shipment s SET state = n.state, reason = n.reason, carrier_tracking_no = n.carrier_tracking_no, \
        expected_on = n.expected_on, held_until = n.held_until, overdue = n.overdue, due_on = n.due_on, \
        moved_at = n.moved_at, version = n.version \
    FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::bool[], $8::date[], \
        $9::timestamptz[], $10::bigint[], $11::bigint[]) \
        AS n(shipment_id, state, reason, carrier_tracking_no, expected_on, held_until, overdue, due_on, moved_at, version, \
        was) \
    WHERE s.shipment_id = n.shipment_id AND s.version = n.was";
/// What was only remembered is still so.
const UNCHANGED: &str = "\
    SELECT 1 FROM shipment s JOIN UNNEST($1::uuid[], $2::bigint[]) AS k(shipment_id, version) \
        ON s.shipment_id = k.shipment_id AND s.version = k.version";
const SIGHTINGS: &str = "\
    INSERT INTO tracking_event (shipment_id, carrier_event_id, state, reason, changed, occurred_at, detail, held_until, \
        expected_on, reported_at) \
    SELECT shipment_id, carrier_event_id, state, reason, changed, occurred_at, detail, held_until, expected_on, reported_at \
    FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::timestamptz[], $7::text[], $8::date[], \
        $9::date[], $10::timestamptz[]) \
        WITH ORDINALITY AS n(shipment_id, carrier_event_id, state, reason, changed, occurred_at, detail, held_until, \
        expected_on, reported_at, place) \
    ORDER BY place";
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM shipment \
     WHERE tracking_no IS NOT NULL AND ($1::uuid IS NULL OR claim_id = $1) AND ($2::text IS NULL OR state = $2) \
        AND ($3::text IS NULL OR direction = $3) AND ($4::uuid IS NULL OR shipment_id > $4) \
        AND ($6::text IS NULL OR carrier = $6) \
     ORDER BY shipment_id LIMIT $5"
);
const GET: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM shipment \
     WHERE tracking_no IS NOT NULL AND (shipment_id = $1 OR tracking_no = $2 OR carrier_tracking_no = $2) \
     ORDER BY tracking_no = $2 DESC LIMIT 1"
);
const EVENTS: &str = "\
    SELECT carrier_event_id, state, reason, occurred_at, detail, held_until, expected_on FROM tracking_event \
    WHERE shipment_id = $1 ORDER BY place LIMIT 500";
/// Parcels whose day has passed where the days are meant.
const DUE: &str = "\
    SELECT tracking_no FROM shipment \
    WHERE due_on < ((now() + $1::text::interval) AT TIME ZONE $2)::date ORDER BY due_on LIMIT 500";

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    (
        "shipment",
        "SELECT, INSERT, UPDATE (carrier_tracking_no, due_on, expected_on, held_until, moved_at, overdue, reason, \
            state, version)",
    ),
    ("tracking_event", "SELECT, INSERT"),
];

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[READ, LOCK, SEEN, NEW, CHANGE, UNCHANGED, SIGHTINGS, LIST, GET, EVENTS, DUE];

/// What the commands of a batch name.
#[derive(Default)]
struct Named {
    keys: Vec<Key>,
    waybills: Vec<String>,
    event_ids: Vec<String>,
}

impl Named {
    /// A parcel is named by a waybill number: remembered, or to be read.
    fn parcel(&mut self, world: &mut World, memory: &Memory, tracking_no: &str) {
        if !memory.waybill(tracking_no).is_some_and(|key| world.recall(memory, key)) {
            self.waybills.push(tracking_no.to_owned());
        }
    }
}

/// Finds the parcels of a batch, remembered or read in the order of their ids.
pub async fn load(tx: &mut Tx, lock: Lock, memory: &Memory, commands: &[&Command]) -> Result<World, Fault> {
    let (mut world, mut unknown) = (World::default(), Named::default());
    for command in commands {
        match command {
            Command::Book { key, .. } if world.recall(memory, key) || lock == Lock::Nothing => {
                // Most often it is the first that is heard of a parcel. If it is not, it cannot be written as a new one.
            }
            Command::Cancel { key } if world.recall(memory, key) => {}
            Command::Book { key, .. } | Command::Cancel { key } => unknown.keys.push(*key),
            Command::Report { tracking_no, sighting } => {
                unknown.event_ids.push(sighting.id.clone());
                unknown.parcel(&mut world, memory, tracking_no);
            }
            Command::ReportMany(seen) => {
                for (tracking_no, sighting) in seen {
                    unknown.event_ids.push(sighting.id.clone());
                    unknown.parcel(&mut world, memory, tracking_no);
                }
            }
            Command::Confirm { tracking_no, carrier_no, .. } => {
                unknown.parcel(&mut world, memory, tracking_no);
                unknown.parcel(&mut world, memory, carrier_no);
            }
            Command::Due { tracking_no } => unknown.parcel(&mut world, memory, tracking_no),
        }
    }
    if !unknown.keys.is_empty() || !unknown.waybills.is_empty() {
        read(tx, lock, &mut world, &unknown).await?;
    }
    seen(tx, &mut world, unknown.event_ids).await?;
    Ok(world)
}

async fn read(tx: &mut Tx, lock: Lock, world: &mut World, named: &Named) -> Result<(), Fault> {
    let keys = &named.keys;
    let number = |pick: fn(&Key) -> u32| keys.iter().map(|key| pick(key).cast_signed()).collect::<Vec<i32>>();
    let rows = sqlx::query(lock.pick(LOCK, READ))
        .bind(keys.iter().map(|key| key.job.claim.0).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.direction.word()).collect::<Vec<_>>())
        .bind(number(|key| key.job.round))
        .bind(number(|key| key.job.line))
        .bind(number(|key| key.job.attempt))
        .bind(&named.waybills)
        .fetch_all(tx)
        .await?;
    for row in &rows {
        world.know(shipment(row)?);
    }
    Ok(())
}

/// Carrier events that are there already. A parcel of which nobody has reported anything has none.
async fn seen(tx: &mut Tx, world: &mut World, event_ids: Vec<String>) -> Result<(), Fault> {
    let reported = world.shipments.values().filter(|shipment| shipment.version > 1);
    let ids: Vec<Uuid> = reported.map(|shipment| shipment.id.0).collect();
    if event_ids.is_empty() || ids.is_empty() {
        return Ok(());
    }
    for row in sqlx::query(SEEN).bind(ids).bind(event_ids).fetch_all(tx).await? {
        let id: Uuid = row.try_get("shipment_id")?;
        world.seen.insert((id.into(), row.try_get("carrier_event_id")?));
    }
    Ok(())
}

/// Writes what has changed.
pub fn save(writes: &mut Writes, world: &World) {
    let changed = world.changed.iter().filter_map(|key| world.shipments.get(key));
    let was = |shipment: &&Shipment| world.versions.get(&shipment.key).copied();
    let (known, new): (Vec<&Shipment>, Vec<&Shipment>) = changed.partition(|shipment| was(shipment).is_some());
    if !new.is_empty() {
        save_new(writes, &new);
    }
    if !known.is_empty() {
        writes
            .exactly(known.len(), CHANGE)
            .bind(all(&known, |it| it.id.0))
            .bind(all(&known, |it| it.status.word()))
            .bind(all(&known, |it| it.reason.map(TrackingReason::word)))
            .bind(all(&known, |it| it.carrier_no.clone()))
            .bind(all(&known, |it| it.expected_on.map(|day| day.to_sqlx())))
            .bind(all(&known, |it| it.held_until.map(|day| day.to_sqlx())))
            .bind(all(&known, |it| it.overdue))
            .bind(all(&known, |it| it.due_on().map(|day| day.to_sqlx())))
            .bind(all(&known, |it| it.moved_at.map(|at| at.to_sqlx())))
            .bind(all(&known, |it| it.version))
            .bind(known.iter().filter_map(was).collect::<Vec<_>>());
    }
    if !world.sightings.is_empty() {
        save_sightings(writes, &world.sightings);
    }
    let same = world.recalled.iter().filter(|key| !world.changed.contains(key));
    let same: Vec<&Shipment> = same.filter_map(|key| world.shipments.get(key)).collect();
    if !same.is_empty() {
        writes.finds(same.len(), UNCHANGED).bind(all(&same, |it| it.id.0)).bind(all(&same, |it| it.version));
    }
}

fn all<T>(changed: &[&Shipment], pick: impl Fn(&Shipment) -> T) -> Vec<T> {
    changed.iter().map(|shipment| pick(shipment)).collect()
}

fn save_new(writes: &mut Writes, changed: &[&Shipment]) {
    writes
        .exactly(changed.len(), NEW)
        .bind(all(changed, |it| it.id.0))
        .bind(all(changed, |it| it.key.job.claim.0))
        .bind(all(changed, |it| it.key.job.round.cast_signed()))
        .bind(all(changed, |it| it.key.job.line.cast_signed()))
        .bind(all(changed, |it| it.key.job.attempt.cast_signed()))
        .bind(all(changed, |it| it.key.direction.word()))
        .bind(all(changed, |it| it.status.word()))
        .bind(all(changed, |it| it.reason.map(TrackingReason::word)))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.tracking_no.clone())))
        .bind(all(changed, |it| it.carrier_no.clone()))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.carrier.clone())))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.mode.word())))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.parcel.sku.clone()).unwrap_or_default()))
        .bind(all(changed, |it| it.booking.as_ref().map_or(0, |booking| i64::from(booking.parcel.quantity))))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.parcel.country.clone()).unwrap_or_default()))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.cost_minor)))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.currency.clone())))
        .bind(all(changed, |it| it.booking.as_ref().map(|booking| booking.promised_on.to_sqlx())))
        .bind(all(changed, |it| it.expected_on.map(|day| day.to_sqlx())))
        .bind(all(changed, |it| it.held_until.map(|day| day.to_sqlx())))
        .bind(all(changed, |it| it.overdue))
        .bind(all(changed, |it| it.moved_at.map(|at| at.to_sqlx())))
        .bind(all(changed, |it| it.version))
        .bind(all(changed, |it| it.due_on().map(|day| day.to_sqlx())));
}

fn save_sightings(writes: &mut Writes, sightings: &[(proto::ShipmentId, Sighting, bool, Timestamp)]) {
    writes
        .exactly(sightings.len(), SIGHTINGS)
        .bind(sightings.iter().map(|(id, ..)| id.0).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.id.clone()).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.state.word()).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.reason.map(TrackingReason::word)).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, _, changed, _)| *changed).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.at.to_sqlx()).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.detail.clone()).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.held_until.map(|day| day.to_sqlx())).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(_, seen, ..)| seen.expected_on.map(|day| day.to_sqlx())).collect::<Vec<_>>())
        .bind(sightings.iter().map(|(.., at)| at.to_sqlx()).collect::<Vec<_>>());
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this claim.
    pub claim: Option<Uuid>,
    /// Only this state.
    pub status: Option<Status>,
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only those behind this id.
    pub after: Option<Uuid>,
    /// Only those of this carrier.
    pub carrier: Option<String>,
}

/// Parcels that were booked, oldest first.
pub async fn list(pool: &PgPool, filter: &Filter, limit: i64) -> Result<Vec<Shipment>, Fault> {
    let rows = sqlx::query(LIST)
        .bind(filter.claim)
        .bind(filter.status.map(Status::word))
        .bind(filter.direction.map(Direction::word))
        .bind(filter.after)
        .bind(limit)
        .bind(&filter.carrier)
        .fetch_all(pool)
        .await?;
    rows.iter().map(shipment).collect()
}

/// One parcel with its events, by id or waybill number.
pub async fn get(pool: &PgPool, id: Uuid, tracking_no: &str) -> Result<Option<(Shipment, Vec<Sighting>)>, Fault> {
    let Some(row) = sqlx::query(GET).bind(id).bind(tracking_no).fetch_optional(pool).await? else { return Ok(None) };
    let found = shipment(&row)?;
    let rows = sqlx::query(EVENTS).bind(found.id.0).fetch_all(pool).await?;
    let events = rows.iter().map(sighting).collect::<Result<_, _>>()?;
    Ok(Some((found, events)))
}

fn sighting(row: &PgRow) -> Result<Sighting, Fault> {
    Ok(Sighting {
        id: row.try_get("carrier_event_id")?,
        state: status(row)?,
        at: row::time(row, "occurred_at")?,
        reason: row::optional_word(row, "reason")?,
        detail: row.try_get("detail")?,
        held_until: row::optional_day(row, "held_until")?,
        expected_on: row::optional_day(row, "expected_on")?,
    })
}

/// Waybill numbers of parcels whose day has passed.
pub async fn due(pool: &PgPool, offset: SignedDuration, days: &Days) -> Result<Vec<String>, Fault> {
    let offset = format!("{} milliseconds", offset.as_millis());
    let zone = days.zone.iana_name().unwrap_or("UTC");
    let rows = sqlx::query(DUE).bind(offset).bind(zone).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(row.try_get("tracking_no")?)).collect()
}
