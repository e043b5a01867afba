//! Rows of work items, and of tasks that were taken back.

use chassis::row::{count, optional_time, optional_word, time, word};
use chassis::work::{self, Ended};
use proto::Word;
use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{interval, ints, optional_ints};
use crate::domain::{About, Claim, ClockKey, ClockKind, Item, Task};

pub(super) const LOAD: &str = "\
    SELECT claim_id, work_item_id, kind, state, role, reason, opened_at, due_at, overdue, version, round, line, attempt, leg, \
        clock, plan_number, step, steps, ruling, decided_by, note, decided_at, assigned_to, raised_to, raised_at, closed_at \
    FROM work_item WHERE claim_id = ANY($1)";

/// What is closed comes first: a breach waits for one level at a time.
pub(super) const WRITE: &str = "\
    INSERT INTO work_item (work_item_id, claim_id, kind, state, role, reason, opened_at, due_at, version, round, line, \
        attempt, leg, clock, plan_number, step, steps, ruling, decided_by, note, decided_at, overdue, assigned_to, \
        raised_to, raised_at, closed_at) \
    SELECT work_item_id, claim_id, kind, state, role, reason, opened_at, due_at, version, round, line, \
        attempt, leg, clock, plan_number, step, steps, ruling, decided_by, note, decided_at, overdue, assigned_to, \
        raised_to, raised_at, closed_at \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], \
            $8::timestamptz[], $9::bigint[], $10::int[], $11::int[], $12::int[], $13::text[], $14::text[], $15::int[], \
            $16::int[], $17::int[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], \
            $22::boolean[], $23::text[], $24::text[], $25::timestamptz[], $26::timestamptz[]) \
        AS i(work_item_id, claim_id, kind, state, role, reason, opened_at, due_at, version, round, line, \
            attempt, leg, clock, plan_number, step, steps, ruling, decided_by, note, decided_at, overdue, assigned_to, \
            raised_to, raised_at, closed_at) \
    ORDER BY state = 'open', work_item_id \
    ON CONFLICT (work_item_id) DO UPDATE \
    SET state = EXCLUDED.state, version = EXCLUDED.version, ruling = EXCLUDED.ruling, \
        decided_by = EXCLUDED.decided_by, note = EXCLUDED.note, decided_at = EXCLUDED.decided_at, overdue = EXCLUDED.overdue, \
        assigned_to = EXCLUDED.assigned_to, raised_to = EXCLUDED.raised_to, raised_at = EXCLUDED.raised_at, \
        closed_at = EXCLUDED.closed_at";

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
            claim.items.insert(item.work.id, item);
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
    // By what is set, whatever kind of work it is.
    let about = if row.try_get::<Option<i32>, _>("plan_number")?.is_some() {
        let (plan, step, steps) = (count(row, "plan_number")?, count(row, "step")?, count(row, "steps")?);
        About::Step { plan, step, steps }
    } else if let Some(kind) = optional_word(row, "clock")? {
        About::Clock(ClockKey { kind, round: count(row, "round")? })
    } else {
        About::Task(task(row)?)
    };
    let work = work::Item {
        id: row.try_get("work_item_id")?,
        role: word(row, "role")?,
        reason: row.try_get("reason")?,
        opened_at: time(row, "opened_at")?,
        due_at: time(row, "due_at")?,
        state: word(row, "state")?,
        version: row.try_get("version")?,
        assigned_to: row.try_get("assigned_to")?,
        raised: optional_word(row, "raised_to")?.zip(optional_time(row, "raised_at")?),
        ended: ended(row)?,
    };
    let kind = word(row, "kind")?;
    Ok(Item { work, kind, about, overdue: row.try_get("overdue")?, ruling: optional_word(row, "ruling")? })
}

/// Who has decided, and why; what was taken back says when.
fn ended(row: &PgRow) -> Result<Option<Ended>, Fault> {
    if let Some(at) = optional_time(row, "decided_at")? {
        return Ok(Some(Ended { by: row.try_get("decided_by")?, note: row.try_get("note")?, at }));
    }
    let closed = optional_time(row, "closed_at")?;
    Ok(closed.map(|at| Ended { by: String::new(), note: String::new(), at }))
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
        let changed = after.items.values().filter(|item| before.items.get(&item.work.id) != Some(*item));
        rows.extend(changed.map(|item| (*id, item, Columns::of(&item.about))));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let items = || rows.iter().map(|(_, item, _)| *item);
    let columns = || rows.iter().map(|(_, _, columns)| columns);
    let works = || items().map(|item| &item.work);
    let decisions = || items().map(|item| item.ruling.and(item.work.ended.as_ref()));
    let closed =
        |item: &Item| item.work.ended.as_ref().filter(|_| item.ruling.is_none()).map(|ended| ended.at.to_sqlx());
    writes
        .add(WRITE)
        .bind(works().map(|work| work.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(claim, _, _)| *claim).collect::<Vec<_>>())
        .bind(items().map(|item| item.kind.word()).collect::<Vec<_>>())
        .bind(works().map(|work| work.state.word()).collect::<Vec<_>>())
        .bind(works().map(|work| work.role.word()).collect::<Vec<_>>())
        .bind(works().map(|work| work.reason.as_str()).collect::<Vec<_>>())
        .bind(works().map(|work| work.opened_at.to_sqlx()).collect::<Vec<_>>())
        .bind(works().map(|work| work.due_at.to_sqlx()).collect::<Vec<_>>())
        .bind(works().map(|work| work.version).collect::<Vec<_>>())
        .bind(optional_ints(columns().map(|columns| columns.round))?)
        .bind(optional_ints(columns().map(|columns| columns.task.map(|task| task.line)))?)
        .bind(optional_ints(columns().map(|columns| columns.task.map(|task| task.attempt)))?)
        .bind(columns().map(|columns| columns.task.map(|task| task.leg.word())).collect::<Vec<_>>())
        .bind(columns().map(|columns| columns.clock.map(|kind| kind.word())).collect::<Vec<_>>())
        .bind(optional_ints(columns().map(|columns| columns.step.map(|(plan, _, _)| plan)))?)
        .bind(optional_ints(columns().map(|columns| columns.step.map(|(_, step, _)| step)))?)
        .bind(optional_ints(columns().map(|columns| columns.step.map(|(_, _, steps)| steps)))?)
        .bind(items().map(|item| item.ruling.map(|ruling| ruling.word())).collect::<Vec<_>>())
        .bind(decisions().map(|decision| decision.map(|decision| decision.by.as_str())).collect::<Vec<_>>())
        .bind(decisions().map(|decision| decision.map(|decision| decision.note.as_str())).collect::<Vec<_>>())
        .bind(decisions().map(|decision| decision.map(|decision| decision.at.to_sqlx())).collect::<Vec<_>>())
        .bind(items().map(|item| item.overdue).collect::<Vec<_>>())
        .bind(works().map(|work| work.assigned_to.as_str()).collect::<Vec<_>>())
        .bind(works().map(|work| work.raised.map(|(role, _)| role.word())).collect::<Vec<_>>())
        .bind(works().map(|work| work.raised.map(|(_, at)| at.to_sqlx())).collect::<Vec<_>>())
        .bind(items().map(closed).collect::<Vec<_>>());
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
