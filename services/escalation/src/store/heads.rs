//! Rows of claims.

use chassis::row::{count, optional_time};
use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes};
use jiff_sqlx::ToSqlx;
use proto::Word;
use proto::claim::Channel;
use sqlx::Row;
use uuid::Uuid;

use super::ints;
use crate::domain::{Claim, ClockKind, Involved};
use crate::world::World;

macro_rules! claims {
    () => {
        "SELECT claim_id, claim_number, round, paused_since, acknowledgement_stopped, first_feedback_stopped, \
             final_solution_stopped, stopped, channel, involved, customer_ref, failed_by, policy_version, version \
         FROM claim WHERE claim_id = ANY($1) ORDER BY claim_id"
    };
}

/// Where the release before keeps what `stopped` says; it goes on beside this one while services are exchanged. No other
/// kind of clock gets a column.
const COLUMNS: [(ClockKind, &str); 3] = [
    (ClockKind::Acknowledgement, "acknowledgement_stopped"),
    (ClockKind::FirstFeedback, "first_feedback_stopped"),
    (ClockKind::FinalSolution, "final_solution_stopped"),
];

pub(super) const READ: &str = claims!();
pub(super) const LOCK: &str = concat!(claims!(), " FOR UPDATE");

pub(super) const NEW: &str = "\
    INSERT INTO claim (claim_id, round, paused_since, acknowledgement_stopped, first_feedback_stopped, \
        final_solution_stopped, channel, involved, customer_ref, failed_by, policy_version, stopped, claim_number) \
    SELECT claim_id, round, paused_since, acknowledgement_stopped, first_feedback_stopped, final_solution_stopped, channel, \
        involved, customer_ref, failed_by, policy_version, stopped, claim_number \
    FROM UNNEST($1::uuid[], $2::int[], $3::timestamptz[], $4::int[], $5::int[], $6::int[], $7::smallint[], $8::text[], \
            $9::text[], $10::text[], $11::int[], $12::text[], $13::text[]) \
        AS n(claim_id, round, paused_since, acknowledgement_stopped, first_feedback_stopped, final_solution_stopped, \
            channel, involved, customer_ref, failed_by, policy_version, stopped, claim_number) \
    ORDER BY claim_id";

/// Only as they were read. What has changed may be in other tables.
pub(super) const WRITE: &str = "\
    UPDATE claim \
    SET round = n.round, paused_since = n.paused_since, acknowledgement_stopped = n.acknowledgement_stopped, \
        first_feedback_stopped = n.first_feedback_stopped, final_solution_stopped = n.final_solution_stopped, \
        channel = n.channel, involved = n.involved, customer_ref = n.customer_ref, failed_by = n.failed_by, \
        policy_version = n.policy_version, stopped = n.stopped, version = n.version + 1 \
    FROM UNNEST($1::uuid[], $2::int[], $3::timestamptz[], $4::int[], $5::int[], $6::int[], $7::smallint[], $8::text[], \
            $9::text[], $10::text[], $11::int[], $12::text[], $13::bigint[]) \
        AS n(claim_id, round, paused_since, acknowledgement_stopped, first_feedback_stopped, final_solution_stopped, channel, \
            involved, customer_ref, failed_by, policy_version, stopped, version) \
    WHERE claim.claim_id = n.claim_id AND claim.version = n.version";

/// What was only remembered is still so.
pub(super) const UNCHANGED: &str = "\
    SELECT 1 FROM claim c JOIN UNNEST($1::uuid[], $2::bigint[]) AS k(claim_id, version) \
        ON c.claim_id = k.claim_id AND c.version = k.version";

/// Reads claims, with their versions.
pub(super) async fn read(tx: &mut Tx, lock: Lock, ids: &[Uuid]) -> Result<BTreeMap<Uuid, (i64, Claim)>, Fault> {
    let rows = sqlx::query(lock.pick(LOCK, READ)).bind(ids).fetch_all(tx).await?;
    let mut claims = BTreeMap::new();
    for row in &rows {
        let id: Uuid = row.try_get("claim_id")?;
        let mut claim = Claim::new(id.into(), row.try_get("claim_number")?);
        claim.head.round = count(row, "round")?;
        claim.head.channel = Channel::try_from(i32::from(row.try_get::<i16, _>("channel")?)).unwrap_or_default();
        claim.head.involved = Involved {
            subjects: subjects(row.try_get("involved")?),
            customer_ref: row.try_get("customer_ref")?,
            failed_by: subjects(row.try_get("failed_by")?),
        };
        claim.head.policy_version = count(row, "policy_version")?;
        claim.head.paused_since = optional_time(row, "paused_since")?;
        claim.head.stopped = rounds(row.try_get("stopped")?)?;
        for (kind, column) in COLUMNS {
            let round = count(row, column)?;
            if round > 0 {
                let known = claim.head.stopped.entry(kind).or_insert(round);
                *known = round.max(*known);
            }
        }
        claims.insert(id, (row.try_get("version")?, claim));
    }
    Ok(claims)
}

/// Writes claims that are new, or of which anything has changed; of others that were remembered, that they are still so.
pub(super) fn write(writes: &mut Writes, world: &World) -> Result<(), Fault> {
    let (mut new, mut changed, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for (id, claim) in &world.claims {
        match world.versions.get(id) {
            None => new.push((*id, 0, claim)),
            Some(version) if world.loaded.get(id) != Some(claim) => changed.push((*id, *version, claim)),
            Some(version) if world.recalled.contains(id) => same.push((*id, *version, claim)),
            Some(_) => {}
        }
    }
    let versions = |rows: &[Versioned]| rows.iter().map(|(_, version, _)| *version).collect::<Vec<i64>>();
    if !new.is_empty() {
        heads(writes.exactly(new.len(), NEW), &new)?;
        writes.bind(new.iter().map(|(_, _, claim)| claim.head.number.as_str()).collect::<Vec<_>>());
    }
    if !changed.is_empty() {
        heads(writes.exactly(changed.len(), WRITE), &changed)?;
        writes.bind(versions(&changed));
    }
    if !same.is_empty() {
        writes.finds(same.len(), UNCHANGED).bind(same.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
        writes.bind(versions(&same));
    }
    Ok(())
}

type Versioned<'a> = (Uuid, i64, &'a Claim);

/// The columns that both have.
fn heads(writes: &mut Writes, rows: &[Versioned]) -> Result<(), Fault> {
    let stopped = |kind| ints(rows.iter().map(|(_, _, claim)| claim.head.stopped.get(&kind).copied().unwrap_or(0)));
    writes
        .bind(rows.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
        .bind(ints(rows.iter().map(|(_, _, claim)| claim.head.round))?)
        .bind(rows.iter().map(|(_, _, claim)| claim.head.paused_since.map(|at| at.to_sqlx())).collect::<Vec<_>>())
        .bind(stopped(ClockKind::Acknowledgement)?)
        .bind(stopped(ClockKind::FirstFeedback)?)
        .bind(stopped(ClockKind::FinalSolution)?)
        .bind(rows.iter().map(|(_, _, claim)| claim.head.channel as i16).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, claim)| joined(&claim.head.involved.subjects)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, claim)| claim.head.involved.customer_ref.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, claim)| joined(&claim.head.involved.failed_by)).collect::<Vec<_>>())
        .bind(ints(rows.iter().map(|(_, _, claim)| claim.head.policy_version))?)
        .bind(rows.iter().map(|(_, _, claim)| told(&claim.head.stopped)).collect::<Vec<_>>());
    Ok(())
}

/// Words of kinds with their rounds, as `first_feedback=2,final_solution=1`.
fn told(rounds: &BTreeMap<ClockKind, u32>) -> String {
    rounds.iter().map(|(kind, round)| format!("{}={round}", kind.word())).collect::<Vec<_>>().join(",")
}

fn rounds(told: &str) -> Result<BTreeMap<ClockKind, u32>, Fault> {
    let odd = || Fault::Permanent(format!("{told:?} says of no kinds of clocks when they were stopped"));
    let parts = told.split(',').filter(|part| !part.is_empty());
    let read = |part: &str| {
        let (kind, round) = part.split_once('=')?;
        Some((ClockKind::from_word(kind)?, round.parse().ok()?))
    };
    parts.map(|part| read(part).ok_or_else(odd)).collect()
}

/// No subject has a comma.
fn joined(subjects: &BTreeSet<String>) -> String {
    subjects.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn subjects(joined: &str) -> BTreeSet<String> {
    joined.split(',').filter(|subject| !subject.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stopped_is_kept_by_the_words_of_kinds() {
        let all: BTreeMap<ClockKind, u32> = ClockKind::ALL.iter().copied().zip(1..).collect();
        assert_eq!(rounds(&told(&all)).unwrap(), all);
        assert_eq!((told(&BTreeMap::new()).as_str(), rounds("").unwrap().len()), ("", 0));
        for odd in ["sleep=1", "approval", "approval=x", "approval=-1"] {
            assert!(rounds(odd).is_err(), "{odd}");
        }
    }
}
