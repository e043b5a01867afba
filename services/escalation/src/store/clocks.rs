//! Rows of clocks and escalations.

use chassis::row::{count, optional_time, time, word};
use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{int, interval, ints, time_mark};
use crate::domain::{Claim, Clock, ClockKey, ClockKind, ClockState, Escalation};

pub(super) const LOAD: &str = "\
    SELECT claim_id, kind, round, state, severity, target_s, started_at, counted_from, left_us, deadline, provisional, warned, \
        breached_at, level, next_at, stopped_at \
    FROM clock WHERE claim_id = ANY($1)";

pub(super) const WRITE: &str = "\
    INSERT INTO clock (claim_id, kind, round, state, severity, target_s, started_at, counted_from, left_us, deadline, \
        provisional, warned, breached_at, level, next_at, stopped_at) \
    SELECT claim_id, kind, round, state, severity, target_s, started_at, counted_from, left_us, deadline, \
        provisional, warned, breached_at, level, next_at, stopped_at \
    FROM UNNEST($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], \
            $8::timestamptz[], $9::bigint[], $10::timestamptz[], $11::boolean[], $12::smallint[], $13::timestamptz[], \
            $14::int[], $15::timestamptz[], $16::timestamptz[]) \
        AS c(claim_id, kind, round, state, severity, target_s, started_at, counted_from, left_us, deadline, \
            provisional, warned, breached_at, level, next_at, stopped_at) \
    ON CONFLICT (claim_id, kind, round) DO UPDATE \
    SET state = EXCLUDED.state, severity = EXCLUDED.severity, target_s = EXCLUDED.target_s, counted_from = EXCLUDED.counted_from, left_us = EXCLUDED.left_us, \
        deadline = EXCLUDED.deadline, provisional = EXCLUDED.provisional, warned = EXCLUDED.warned, breached_at = EXCLUDED.breached_at, \
        level = EXCLUDED.level, next_at = EXCLUDED.next_at, stopped_at = EXCLUDED.stopped_at";

pub(super) const RAISE: &str = "\
    INSERT INTO escalation (escalation_id, claim_id, clock, round, level, role, raised_at, deadline) \
    SELECT escalation_id, claim_id, clock, round, level, role, raised_at, deadline \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::text[], $7::timestamptz[], \
            $8::timestamptz[]) \
        AS e(escalation_id, claim_id, clock, round, level, role, raised_at, deadline)";

/// What another replica works on is left to it: its row is locked.
pub(super) const DUE: &str = "\
    SELECT k.claim_id, k.kind, k.round, k.next_at FROM clock k JOIN claim c ON c.claim_id = k.claim_id \
    WHERE k.next_at <= (SELECT greatest(now(), at) FROM time_mark) + $1::text::interval ORDER BY k.next_at LIMIT 500 FOR UPDATE OF c SKIP LOCKED";

/// Claims with provisional deadlines: those that come after one, and those of which a deadline is known by now.
pub(super) const PROVISIONAL: &str = "\
    SELECT DISTINCT claim_id FROM clock JOIN UNNEST($1::text[], $2::timestamptz[]) AS ends (kind, known_to) USING (kind) \
    WHERE provisional AND state IN ('running', 'paused') AND (claim_id > $3 OR deadline < known_to) \
    ORDER BY claim_id LIMIT 500";

pub(super) const OF_CLAIM: &str = "\
    SELECT claim_id, kind, round, state, severity, target_s, started_at, counted_from, left_us, deadline, provisional, warned, \
        breached_at, level, next_at, stopped_at \
    FROM clock WHERE claim_id = $1 ORDER BY started_at, kind, round LIMIT 1000";

/// Reads the clocks of claims.
pub(super) async fn load(tx: &mut Tx, ids: &[Uuid], claims: &mut BTreeMap<Uuid, Claim>) -> Result<(), Fault> {
    for row in &sqlx::query(LOAD).bind(ids).fetch_all(tx).await? {
        if let Some(claim) = claims.get_mut(&row.try_get::<Uuid, _>("claim_id")?) {
            let clock = clock(row)?;
            claim.clocks.insert(clock.key, clock);
        }
    }
    Ok(())
}

/// The clocks of a claim, oldest first.
pub async fn clocks_of(pool: &PgPool, claim: Uuid) -> Result<Vec<Clock>, Fault> {
    sqlx::query(OF_CLAIM).bind(claim).fetch_all(pool).await?.iter().map(clock).collect()
}

/// Clocks that are due by the clock of the database, each with the time that says so.
pub async fn due(pool: &PgPool, offset: SignedDuration) -> Result<Vec<(Uuid, ClockKey, Timestamp)>, Fault> {
    time_mark::mark(pool).await?;
    let rows = sqlx::query(DUE).bind(interval(offset)).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get("claim_id")?, key(row)?, time(row, "next_at")?))).collect()
}

/// Claims with provisional deadlines, the next ones of them. `ends`: up to when holidays are known.
pub async fn provisional(pool: &PgPool, ends: &[(ClockKind, Timestamp)], after: Uuid) -> Result<Vec<Uuid>, Fault> {
    let query = sqlx::query_scalar(PROVISIONAL)
        .bind(ends.iter().map(|(kind, _)| kind.word()).collect::<Vec<_>>())
        .bind(ends.iter().map(|(_, known_to)| known_to.to_sqlx()).collect::<Vec<_>>());
    Ok(query.bind(after).fetch_all(pool).await?)
}

fn key(row: &PgRow) -> Result<ClockKey, Fault> {
    Ok(ClockKey { kind: word(row, "kind")?, round: count(row, "round")? })
}

fn clock(row: &PgRow) -> Result<Clock, Fault> {
    let warned: i16 = row.try_get("warned")?;
    let state = word(row, "state")?;
    let is_open = matches!(state, ClockState::Running | ClockState::Paused);
    Ok(Clock {
        key: key(row)?,
        state,
        severity: word(row, "severity")?,
        target: SignedDuration::from_secs(row.try_get("target_s")?),
        started_at: time(row, "started_at")?,
        counted_from: time(row, "counted_from")?,
        left: SignedDuration::from_micros(row.try_get("left_us")?),
        deadline: time(row, "deadline")?,
        provisional: is_open && row.try_get("provisional")?,
        warned: u32::try_from(warned).unwrap_or(0),
        breached_at: optional_time(row, "breached_at")?,
        level: count(row, "level")?,
        next_at: optional_time(row, "next_at")?,
        stopped_at: optional_time(row, "stopped_at")?,
    })
}

/// Writes clocks that are new or have changed.
pub(super) fn write(writes: &mut Writes, pairs: &[(Uuid, &Claim, &Claim)]) -> Result<(), Fault> {
    let changed = |(id, before, after): &(Uuid, &Claim, &'_ Claim)| {
        let id = *id;
        let rows = after.clocks.values().filter(|clock| before.clocks.get(&clock.key) != Some(clock));
        rows.map(move |clock| (id, clock.clone())).collect::<Vec<_>>()
    };
    let rows: Vec<(Uuid, Clock)> = pairs.iter().flat_map(changed).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let clocks = || rows.iter().map(|(_, clock)| clock);
    let us = |left: SignedDuration| i64::try_from(left.as_micros()).map_err(|_| too_long());
    writes
        .add(WRITE)
        .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.key.kind.word()).collect::<Vec<_>>())
        .bind(ints(clocks().map(|clock| clock.key.round))?)
        .bind(clocks().map(|clock| clock.state.word()).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.severity.word()).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.target.as_secs()).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.started_at.to_sqlx()).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.counted_from.to_sqlx()).collect::<Vec<_>>())
        .bind(clocks().map(|clock| us(clock.left)).collect::<Result<Vec<_>, _>>()?)
        .bind(clocks().map(|clock| clock.deadline.to_sqlx()).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.provisional).collect::<Vec<_>>())
        .bind(clocks().map(|clock| i16::try_from(clock.warned).unwrap_or(-1)).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.breached_at.map(|at| at.to_sqlx())).collect::<Vec<_>>())
        .bind(ints(clocks().map(|clock| clock.level))?)
        .bind(clocks().map(|clock| clock.next_at.map(|at| at.to_sqlx())).collect::<Vec<_>>())
        .bind(clocks().map(|clock| clock.stopped_at.map(|at| at.to_sqlx())).collect::<Vec<_>>());
    Ok(())
}

fn too_long() -> Fault {
    Fault::Permanent("a clock is too long for the database".to_owned())
}

/// Adds new escalations.
pub(super) fn raise(writes: &mut Writes, pairs: &[(Uuid, &Claim, &Claim)]) -> Result<(), Fault> {
    let rows: Vec<(Uuid, &Escalation)> =
        pairs.iter().flat_map(|(id, _, after)| after.raised.iter().map(|raised| (*id, raised))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let levels: Vec<i32> = rows.iter().map(|(_, raised)| int(raised.level)).collect::<Result<_, _>>()?;
    writes
        .add(RAISE)
        .bind(rows.iter().map(|(_, raised)| raised.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(claim, _)| *claim).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, raised)| raised.clock.kind.word()).collect::<Vec<_>>())
        .bind(ints(rows.iter().map(|(_, raised)| raised.clock.round))?)
        .bind(levels)
        .bind(rows.iter().map(|(_, raised)| raised.role.word()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, raised)| raised.raised_at.to_sqlx()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, raised)| raised.deadline.to_sqlx()).collect::<Vec<_>>());
    Ok(())
}
