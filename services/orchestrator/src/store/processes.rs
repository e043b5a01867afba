//! Processes and their timelines in the database.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes, row};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use prost::Message;
use proto::claim::Plan;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{count, int};
use crate::case::Case;
use crate::claim_process::{FORMAT, Process};
use crate::stored::{Stored, Summary};

macro_rules! processes {
    () => {
        "SELECT claim_id, version, claim, format, process, plan, state, waiting_for, parties, round, events, end_reason, \
             changed_at, ask_again_at, ask_wait_s, due_at \
         FROM process WHERE claim_id = ANY($1) ORDER BY claim_id"
    };
}

pub(super) const READ: &str = processes!();
pub(super) const LOCK: &str = concat!(processes!(), " FOR UPDATE");

/// Inserts version 1 and otherwise follows the version before: of two replicas that begin a claim, one is too late.
pub(super) const WRITE: &str = "\
    INSERT INTO process (claim_id, version, claim, format, process, plan, state, waiting_for, round, events, end_reason, \
        changed_at, ask_again_at, ask_wait_s, due_at, parties) \
    SELECT claim_id, version, claim::json, format, process::json, plan, state, waiting_for, round, events, end_reason, \
        changed_at, ask_again_at, ask_wait_s, due_at, parties \
    FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::smallint[], $5::text[], $6::bytea[], $7::smallint[], \
            $8::smallint[], $9::int[], $10::int[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::int[], \
            $15::timestamptz[], $16::int[]) \
        AS p(claim_id, version, claim, format, process, plan, state, waiting_for, round, events, end_reason, \
            changed_at, ask_again_at, ask_wait_s, due_at, parties) \
    ON CONFLICT (claim_id) DO UPDATE \
    SET version = EXCLUDED.version, claim = EXCLUDED.claim, format = EXCLUDED.format, process = EXCLUDED.process, \
        plan = EXCLUDED.plan, state = EXCLUDED.state, waiting_for = EXCLUDED.waiting_for, round = EXCLUDED.round, \
        events = EXCLUDED.events, end_reason = EXCLUDED.end_reason, changed_at = EXCLUDED.changed_at, \
        ask_again_at = EXCLUDED.ask_again_at, ask_wait_s = EXCLUDED.ask_wait_s, due_at = EXCLUDED.due_at, \
        parties = EXCLUDED.parties \
    WHERE process.version = EXCLUDED.version - 1";

/// What was only remembered is still so.
pub(super) const UNCHANGED: &str = "\
    SELECT 1 FROM process p JOIN UNNEST($1::uuid[], $2::bigint[]) AS k(claim_id, version) \
        ON p.claim_id = k.claim_id AND p.version = k.version";

pub(super) const ASK_AGAIN: &str = "\
    SELECT claim_id, ask_again_at FROM process \
    WHERE ask_again_at <= now() + $1::text::interval ORDER BY ask_again_at LIMIT 500";

pub(super) const DUE: &str = "\
    SELECT claim_id, due_at FROM process \
    WHERE due_at <= now() + $1::text::interval ORDER BY due_at LIMIT 500";

/// Versions of the policy pack that open claims go by; 0: the oldest.
pub const VERSIONS: &str = "\
    SELECT DISTINCT coalesce((claim->'submitted'->>'policyVersion')::int, 0) FROM process WHERE state < 10";

/// Reads processes.
pub async fn read(tx: &mut Tx, lock: Lock, claims: &[Uuid]) -> Result<BTreeMap<Uuid, Stored>, Fault> {
    if claims.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(lock.pick(LOCK, READ)).bind(claims).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("claim_id")?, stored(row)?))).collect()
}

/// Writes what has changed.
pub fn write(writes: &mut Writes, processes: &BTreeMap<Uuid, Stored>, changed: &BTreeSet<Uuid>) -> Result<(), Fault> {
    let rows: Vec<(Uuid, &Stored)> = changed.iter().filter_map(|id| Some((*id, processes.get(id)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let small =
        |of: fn(&Stored) -> i32| rows.iter().map(|(_, row)| i16::try_from(of(row)).unwrap_or(-1)).collect::<Vec<_>>();
    let number = |of: fn(&Stored) -> u32| rows.iter().map(|(_, row)| int(of(row))).collect::<Result<Vec<i32>, Fault>>();
    let time = |of: fn(&Stored) -> Option<Timestamp>| {
        rows.iter().map(|(_, row)| of(row).map(Timestamp::to_sqlx)).collect::<Vec<_>>()
    };
    writes
        .exactly(rows.len(), WRITE)
        .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.version + 1).collect::<Vec<_>>())
        .bind(text(&rows, |row| serde_json::to_string(&row.case))?)
        .bind(rows.iter().map(|(_, row)| row.process.format()).collect::<Vec<_>>())
        .bind(text(&rows, |row| serde_json::to_string(&row.process))?)
        .bind(rows.iter().map(|(_, row)| row.plan.as_ref().map(Message::encode_to_vec)).collect::<Vec<_>>())
        .bind(small(|row| row.summary.state))
        .bind(small(|row| row.summary.waiting_for))
        .bind(number(|row| row.summary.round)?)
        .bind(number(|row| row.events)?)
        .bind(rows.iter().map(|(_, row)| row.summary.end_reason.clone()).collect::<Vec<_>>())
        .bind(time(|row| Some(row.changed_at)))
        .bind(time(|row| row.ask_again_at))
        .bind(number(|row| row.ask_wait_s)?)
        .bind(time(|row| row.due_at))
        .bind(number(|row| row.summary.parties)?);
    Ok(())
}

/// What was decided on rests on processes that have not changed.
pub fn unchanged<'a>(writes: &mut Writes, processes: impl Iterator<Item = (&'a Uuid, &'a i64)>) {
    let (claims, versions): (Vec<Uuid>, Vec<i64>) = processes.unzip();
    if !claims.is_empty() {
        writes.finds(claims.len(), UNCHANGED).bind(claims).bind(versions);
    }
}

fn text(rows: &[(Uuid, &Stored)], of: fn(&Stored) -> serde_json::Result<String>) -> Result<Vec<String>, Fault> {
    let text = rows.iter().map(|(_, row)| of(row)).collect::<serde_json::Result<_>>();
    text.map_err(|error| Fault::Permanent(format!("a process cannot be written: {error}")))
}

/// Claims whose open question is to be asked again, each with the time that says so.
pub async fn to_ask_again(pool: &PgPool, offset: SignedDuration) -> Result<Vec<(Uuid, Timestamp)>, Fault> {
    let rows = sqlx::query(ASK_AGAIN).bind(interval(offset)).fetch_all(pool).await?;
    rows.iter().map(|row| found(row, "ask_again_at")).collect()
}

/// Claims whose customer is reminded, or has not answered in time, each with the time that says so.
pub async fn due(pool: &PgPool, offset: SignedDuration) -> Result<Vec<(Uuid, Timestamp)>, Fault> {
    let rows = sqlx::query(DUE).bind(interval(offset)).fetch_all(pool).await?;
    rows.iter().map(|row| found(row, "due_at")).collect()
}

fn found(row: &PgRow, column: &str) -> Result<(Uuid, Timestamp), Fault> {
    Ok((row.try_get("claim_id")?, row::time(row, column)?))
}

fn interval(offset: SignedDuration) -> String {
    format!("{} milliseconds", offset.as_millis())
}

/// The process in a row.
pub(super) fn stored(row: &PgRow) -> Result<Stored, Fault> {
    let format: i16 = row.try_get("format")?;
    if !(1..=FORMAT).contains(&format) {
        return Err(Fault::Permanent(format!("a process in format {format} cannot be read")));
    }
    let plan: Option<Vec<u8>> = row.try_get("plan")?;
    let plan = plan.map(|bytes| Plan::decode(bytes.as_slice())).transpose();
    Ok(Stored {
        version: row.try_get("version")?,
        case: row.try_get::<Json<Case>, _>("claim")?.0,
        process: row.try_get::<Json<Process>, _>("process")?.0,
        plan: plan.map_err(|error| Fault::Permanent(format!("a plan cannot be read: {error}")))?,
        summary: Summary {
            state: i32::from(row.try_get::<i16, _>("state")?),
            waiting_for: i32::from(row.try_get::<i16, _>("waiting_for")?),
            round: count(row.try_get("round")?)?,
            parties: count(row.try_get("parties")?)?,
            end_reason: row.try_get("end_reason")?,
        },
        events: count(row.try_get("events")?)?,
        changed_at: row::time(row, "changed_at")?,
        ask_again_at: row::optional_time(row, "ask_again_at")?,
        ask_wait_s: count(row.try_get("ask_wait_s")?)?,
        due_at: row::optional_time(row, "due_at")?,
    })
}
