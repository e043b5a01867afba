//! Rows of claims.

use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use jiff_sqlx::ToSqlx;
use sqlx::Row;
use uuid::Uuid;

use super::{count, ints, optional_time};
use crate::domain::{Claim, ClockKind};

pub(super) const ADD: &str = "\
    INSERT INTO claim (claim_id, claim_number) \
    SELECT claim_id, claim_number FROM UNNEST($1::uuid[], $2::text[]) AS c(claim_id, claim_number) ORDER BY claim_id \
    ON CONFLICT (claim_id) DO NOTHING";

pub(super) const LOCK: &str = "\
    SELECT claim_id, claim_number, round, paused_since, acknowledgement_stopped, first_feedback_stopped, \
        final_solution_stopped \
    FROM claim WHERE claim_id = ANY($1) ORDER BY claim_id FOR UPDATE";

pub(super) const WRITE: &str = "\
    UPDATE claim \
    SET round = n.round, paused_since = n.paused_since, acknowledgement_stopped = n.acknowledgement_stopped, \
        first_feedback_stopped = n.first_feedback_stopped, final_solution_stopped = n.final_solution_stopped \
    FROM UNNEST($1::uuid[], $2::int[], $3::timestamptz[], $4::int[], $5::int[], $6::int[]) \
        AS n(claim_id, round, paused_since, acknowledgement_stopped, first_feedback_stopped, final_solution_stopped) \
    WHERE claim.claim_id = n.claim_id";

/// Makes the rows of claims that are not known yet.
pub(super) async fn add(tx: &mut Tx, claims: &BTreeMap<Uuid, Option<&str>>) -> Result<(), Fault> {
    let (ids, numbers): (Vec<Uuid>, Vec<&str>) =
        claims.iter().filter_map(|(id, number)| Some((*id, (*number)?))).unzip();
    if !ids.is_empty() {
        sqlx::query(ADD).bind(ids).bind(numbers).execute(tx).await?;
    }
    Ok(())
}

/// Locks claims.
pub(super) async fn lock(tx: &mut Tx, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Claim>, Fault> {
    let rows = sqlx::query(LOCK).bind(ids).fetch_all(tx).await?;
    let mut claims = BTreeMap::new();
    for row in &rows {
        let id: Uuid = row.try_get("claim_id")?;
        let mut claim = Claim::new(id.into(), row.try_get("claim_number")?);
        claim.head.round = count(row, "round")?;
        claim.head.paused_since = optional_time(row, "paused_since")?;
        for (kind, column) in [
            (ClockKind::Acknowledgement, "acknowledgement_stopped"),
            (ClockKind::FirstFeedback, "first_feedback_stopped"),
            (ClockKind::FinalSolution, "final_solution_stopped"),
        ] {
            let round = count(row, column)?;
            if round > 0 {
                claim.head.stopped.insert(kind, round);
            }
        }
        claims.insert(id, claim);
    }
    Ok(claims)
}

/// Writes claims that have changed.
pub(super) fn write(writes: &mut Writes, pairs: &[(Uuid, &Claim, &Claim)]) -> Result<(), Fault> {
    let rows: Vec<_> = pairs.iter().filter(|(_, before, after)| before.head != after.head).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let stopped = |kind| ints(rows.iter().map(|(_, _, claim)| claim.head.stopped.get(&kind).copied().unwrap_or(0)));
    writes
        .add(WRITE)
        .bind(rows.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
        .bind(ints(rows.iter().map(|(_, _, claim)| claim.head.round))?)
        .bind(rows.iter().map(|(_, _, claim)| claim.head.paused_since.map(|at| at.to_sqlx())).collect::<Vec<_>>())
        .bind(stopped(ClockKind::Acknowledgement)?)
        .bind(stopped(ClockKind::FirstFeedback)?)
        .bind(stopped(ClockKind::FinalSolution)?);
    Ok(())
}
