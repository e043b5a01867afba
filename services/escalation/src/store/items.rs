//! Rows of work items, and of tasks that were taken back.

use chassis::row::{count, optional_time, time, word};
use proto::Word;
use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{interval, ints, optional_ints};
use crate::domain::{About, Claim, ClockKey, ClockKind, Decision, Item, Task, WorkKind};

pub(super) const LOAD: &str = "\
    SELECT claim_id, work_item_id, kind, state, role, reason, opened_at, due_at, overdue, version, round, line, attempt, leg, \
        clock, plan_number, step, steps, ruling, decided_by, note, decided_at \
    FROM work_item WHERE claim_id = ANY($1)";

/// What is closed comes first: a breach waits for one level at a time.
pub(super) const WRITE: &str = "\
    INSERT INTO work_item (work_item_id, claim_id, kind, state, role, reason, opened_at, due_at, version, round, line, \
        attempt, leg, clock, plan_number, step, steps, ruling, decided_by, note, decided_at, overdue) \
    SELECT work_item_id, claim_id, kind, state, role, reason, opened_at, due_at, version, round, line, \
        attempt, leg, clock, plan_number, step, steps, ruling, decided_by, note, decided_at, overdue \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], \
            $8::timestamptz[], $9::bigint[], $10::int[], $11::int[], $12::int[], $13::text[], $14::text[], $15::int[], \
            $16::int[], $17::int[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], \
            $22::boolean[]) \
        AS i(work_item_id, claim_id, kind, state, role, reason, opened_at, due_at, version, round, line, \
            attempt, leg, clock, plan_number, step, steps, ruling, decided_by, note, decided_at, overdue) \
    ORDER BY state = 'open', work_item_id \
    ON CONFLICT (work_item_id) DO UPDATE \
    SET state = EXCLUDED.state, version = EXCLUDED.version, ruling = EXCLUDED.ruling, \
        decided_by = EXCLUDED.decided_by, note = EXCLUDED.note, decided_at = EXCLUDED.decided_at, overdue = EXCLUDED.overdue";

/// Who must answer a breach is told by its ladder.
pub(super) const OVERDUE: &str = "\
    SELECT claim_id, work_item_id FROM work_item \
    WHERE state = 'open' AND NOT overdue AND kind <> 'escalation' \
        AND due_at <= (SELECT greatest(now(), at) FROM time_mark) + $1::text::interval \
    ORDER BY due_at LIMIT 500";

pub(super) const LOAD_WITHDRAWN: &str = "\
    SELECT claim_id, round, line, attempt, leg FROM withdrawn_task WHERE claim_id = ANY($1)";

pub(super) const WITHDRAW: &str = "\
    INSERT INTO withdrawn_task (claim_id, round, line, attempt, leg) \
    SELECT claim_id, round, line, attempt, leg \
    FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[]) AS t(claim_id, round, line, attempt, leg)";

/// Reads the work items of claims, and the tasks that were taken back.
pub(super) async fn load(tx: &mut Tx, ids: &[Uuid], claims: &mut BTreeMap<Uuid, Claim>) -> Result<(), Fault> {
    for row in &sqlx::query(LOAD).bind(ids).fetch_all(&mut *tx).await? {
        if let Some(claim) = claims.get_mut(&row.try_get::<Uuid, _>("claim_id")?) {
            let item = item(row)?;
            claim.items.insert(item.id, item);
        }
    }
    for row in &sqlx::query(LOAD_WITHDRAWN).bind(ids).fetch_all(tx).await? {
        if let Some(claim) = claims.get_mut(&row.try_get::<Uuid, _>("claim_id")?) {
            claim.withdrawn.insert(task(row)?);
        }
    }
    Ok(())
}

/// Work items that are overdue by the clock of the database, and not told of.
pub async fn overdue(pool: &PgPool, offset: SignedDuration) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let rows = sqlx::query(OVERDUE).bind(interval(offset)).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get("claim_id")?, row.try_get("work_item_id")?))).collect()
}

/// A work item in a row.
pub(super) fn item(row: &PgRow) -> Result<Item, Fault> {
    let kind = word(row, "kind")?;
    let about = match kind {
        WorkKind::Approval => {
            let (plan, step, steps) = (count(row, "plan_number")?, count(row, "step")?, count(row, "steps")?);
            About::Step { plan, step, steps }
        }
        WorkKind::Escalation => About::Clock(ClockKey { kind: word(row, "clock")?, round: count(row, "round")? }),
        WorkKind::Support | WorkKind::LegFailed | WorkKind::CompensationFailed | WorkKind::ReturnMismatch => {
            About::Task(task(row)?)
        }
    };
    Ok(Item {
        id: row.try_get("work_item_id")?,
        kind,
        about,
        state: word(row, "state")?,
        role: word(row, "role")?,
        reason: row.try_get("reason")?,
        opened_at: time(row, "opened_at")?,
        due_at: time(row, "due_at")?,
        overdue: row.try_get("overdue")?,
        version: row.try_get("version")?,
        decision: decision(row)?,
    })
}

fn decision(row: &PgRow) -> Result<Option<Decision>, Fault> {
    let Some(at) = optional_time(row, "decided_at")? else { return Ok(None) };
    let ruling = word(row, "ruling")?;
    Ok(Some(Decision { ruling, by: row.try_get("decided_by")?, note: row.try_get("note")?, at }))
}

fn task(row: &PgRow) -> Result<Task, Fault> {
    Ok(Task {
        round: count(row, "round")?,
        line: count(row, "line")?,
        attempt: count(row, "attempt")?,
        leg: word(row, "leg")?,
    })
}

/// What an item is about, column by column.
#[derive(Default)]
struct Columns {
    round: Option<u32>,
    task: Option<Task>,
    clock: Option<ClockKind>,
    step: Option<(u32, u32, u32)>,
}

impl Columns {
    fn of(about: &About) -> Self {
        match *about {
            About::Task(task) => Self { round: Some(task.round), task: Some(task), ..Self::default() },
            About::Step { plan, step, steps } => Self { step: Some((plan, step, steps)), ..Self::default() },
            About::Clock(key) => Self { round: Some(key.round), clock: Some(key.kind), ..Self::default() },
        }
    }
}

/// Writes work items that are new or have changed.
pub(super) fn write(writes: &mut Writes, pairs: &[(Uuid, &Claim, &Claim)]) -> Result<(), Fault> {
    let mut rows: Vec<(Uuid, &Item, Columns)> = Vec::new();
    for (id, before, after) in pairs {
        let changed = after.items.values().filter(|item| before.items.get(&item.id) != Some(*item));
        rows.extend(changed.map(|item| (*id, item, Columns::of(&item.about))));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let items = || rows.iter().map(|(_, item, _)| *item);
    let columns = || rows.iter().map(|(_, _, columns)| columns);
    let decisions = || items().map(|item| item.decision.as_ref());
    writes
        .add(WRITE)
        .bind(items().map(|item| item.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(claim, _, _)| *claim).collect::<Vec<_>>())
        .bind(items().map(|item| item.kind.word()).collect::<Vec<_>>())
        .bind(items().map(|item| item.state.word()).collect::<Vec<_>>())
        .bind(items().map(|item| item.role.word()).collect::<Vec<_>>())
        .bind(items().map(|item| item.reason.as_str()).collect::<Vec<_>>())
        .bind(items().map(|item| item.opened_at.to_sqlx()).collect::<Vec<_>>())
        .bind(items().map(|item| item.due_at.to_sqlx()).collect::<Vec<_>>())
        .bind(items().map(|item| item.version).collect::<Vec<_>>())
        .bind(optional_ints(columns().map(|columns| columns.round))?)
        .bind(optional_ints(columns().map(|columns| columns.task.map(|task| task.line)))?)
        .bind(optional_ints(columns().map(|columns| columns.task.map(|task| task.attempt)))?)
        .bind(columns().map(|columns| columns.task.map(|task| task.leg.word())).collect::<Vec<_>>())
        .bind(columns().map(|columns| columns.clock.map(|kind| kind.word())).collect::<Vec<_>>())
        .bind(optional_ints(columns().map(|columns| columns.step.map(|(plan, _, _)| plan)))?)
        .bind(optional_ints(columns().map(|columns| columns.step.map(|(_, step, _)| step)))?)
        .bind(optional_ints(columns().map(|columns| columns.step.map(|(_, _, steps)| steps)))?)
        .bind(decisions().map(|decision| decision.map(|decision| decision.ruling.word())).collect::<Vec<_>>())
        .bind(decisions().map(|decision| decision.map(|decision| decision.by.as_str())).collect::<Vec<_>>())
        .bind(decisions().map(|decision| decision.map(|decision| decision.note.as_str())).collect::<Vec<_>>())
        .bind(decisions().map(|decision| decision.map(|decision| decision.at.to_sqlx())).collect::<Vec<_>>())
        .bind(items().map(|item| item.overdue).collect::<Vec<_>>());
    Ok(())
}

/// Remembers tasks that were taken back.
pub(super) fn withdraw(writes: &mut Writes, pairs: &[(Uuid, &Claim, &Claim)]) -> Result<(), Fault> {
    let mut rows: Vec<(Uuid, &Task)> = Vec::new();
    for (id, before, after) in pairs {
        rows.extend(after.withdrawn.difference(&before.withdrawn).map(|task| (*id, task)));
    }
    if rows.is_empty() {
        return Ok(());
    }
    writes
        .add(WITHDRAW)
        .bind(rows.iter().map(|(claim, _)| *claim).collect::<Vec<_>>())
        .bind(ints(rows.iter().map(|(_, task)| task.round))?)
        .bind(ints(rows.iter().map(|(_, task)| task.line))?)
        .bind(ints(rows.iter().map(|(_, task)| task.attempt))?)
        .bind(rows.iter().map(|(_, task)| task.leg.word()).collect::<Vec<_>>());
    Ok(())
}
