//! Reads of the lists: keyset paging, for people only. Nothing here feeds a write but the name of a claim.

use chassis::Fault;
use chassis::row::{count, time, word};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use proto::claim::Plan;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{approvals, items};
use crate::domain::{ClockKey, Escalation, Item, Role, WorkKind};

pub(super) const ROUTING: &str = "SELECT claim_id, kind FROM work_item WHERE work_item_id = $1";

pub(super) const ESCALATIONS: &str = "\
    SELECT escalation_id, claim_id, clock, round, level, role, raised_at, deadline FROM escalation \
    WHERE ($1::uuid IS NULL OR claim_id = $1) \
        AND ($2::timestamptz IS NULL OR (raised_at, escalation_id) < ($2, $3::uuid)) \
    ORDER BY raised_at DESC, escalation_id DESC LIMIT $4";

macro_rules! items {
    () => {
        "SELECT i.claim_id, c.claim_number, i.work_item_id, i.kind, i.state, i.role, i.reason, i.opened_at, \
            i.due_at, i.overdue, i.version, i.round, i.line, i.attempt, i.leg, i.clock, i.plan_number, i.step, i.steps, \
            i.ruling, i.decided_by, i.note, i.decided_at, i.assigned_to, i.raised_to, i.raised_at, i.closed_at, \
            a.plan, a.plan_sha256 \
        FROM work_item i JOIN claim c ON c.claim_id = i.claim_id \
            LEFT JOIN approval a ON a.claim_id = i.claim_id AND a.plan_number = i.plan_number "
    };
}

macro_rules! items_where {
    ($which:literal) => {
        concat!(
            items!(),
            "WHERE ",
            $which,
            " AND ($1::uuid IS NULL OR i.claim_id = $1) AND ($2::text IS NULL OR i.role = $2) \
                AND ($3::text IS NULL OR i.kind = $3) \
                AND ($4::timestamptz IS NULL OR (i.due_at, i.work_item_id) > ($4, $5::uuid)) \
            ORDER BY i.due_at, i.work_item_id LIMIT $6"
        )
    };
}

pub(super) const OPEN_ITEMS: &str = items_where!("i.state = 'open'");
pub(super) const ALL_ITEMS: &str = items_where!("true");

/// Work items by their names, for the list of all services.
pub(super) const SHOWN: &str = concat!(items!(), "WHERE i.work_item_id = ANY($1)");

/// Which work items are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this claim.
    pub claim: Option<Uuid>,
    /// Only for this role.
    pub role: Option<Role>,
    /// Only of this kind.
    pub kind: Option<WorkKind>,
    /// Also those that are closed.
    pub closed: bool,
}

/// A work item with what is shown beside it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The claim.
    pub claim: Uuid,
    /// The number a customer can quote.
    pub number: String,
    /// The work item.
    pub item: Item,
    /// The plan to approve.
    pub plan: Option<Plan>,
}

/// The claim of a work item and its kind, which never change: they only say which lane decides.
pub async fn routing(pool: &PgPool, item: Uuid) -> Result<Option<(Uuid, WorkKind)>, Fault> {
    let row = sqlx::query(ROUTING).bind(item).fetch_optional(pool).await?;
    row.map(|row| Ok((row.try_get("claim_id")?, word(&row, "kind")?))).transpose()
}

/// Escalations, newest first, after a key.
pub async fn escalations(
    pool: &PgPool,
    claim: Option<Uuid>,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, Escalation)>, Fault> {
    let query = sqlx::query(ESCALATIONS).bind(claim);
    let query = query.bind(after.map(|(at, _)| at.to_sqlx())).bind(after.map(|(_, id)| id)).bind(limit);
    query.fetch_all(pool).await?.iter().map(escalation).collect()
}

fn escalation(row: &PgRow) -> Result<(Uuid, Escalation), Fault> {
    let clock = ClockKey { kind: word(row, "clock")?, round: count(row, "round")? };
    let escalation = Escalation {
        id: row.try_get("escalation_id")?,
        clock,
        level: count(row, "level")?,
        role: word(row, "role")?,
        raised_at: time(row, "raised_at")?,
        deadline: time(row, "deadline")?,
    };
    Ok((row.try_get("claim_id")?, escalation))
}

/// Work items, most urgent first, after a key.
pub async fn work_items(
    pool: &PgPool,
    filter: Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Listed>, Fault> {
    let query = sqlx::query(if filter.closed { ALL_ITEMS } else { OPEN_ITEMS });
    let query = query.bind(filter.claim).bind(filter.role.map(Role::word)).bind(filter.kind.map(WorkKind::word));
    let query = query.bind(after.map(|(at, _)| at.to_sqlx())).bind(after.map(|(_, id)| id)).bind(limit);
    query.fetch_all(pool).await?.iter().map(listed).collect()
}

/// Work items by their names.
pub async fn items_by_name(pool: &PgPool, items: &[Uuid]) -> Result<Vec<Listed>, Fault> {
    sqlx::query(SHOWN).bind(items).fetch_all(pool).await?.iter().map(listed).collect()
}

fn listed(row: &PgRow) -> Result<Listed, Fault> {
    let bytes: Option<Vec<u8>> = row.try_get("plan")?;
    let sha256: Option<Vec<u8>> = row.try_get("plan_sha256")?;
    let plan = bytes.map(|bytes| approvals::snapshot(&bytes, sha256.as_deref())).transpose()?;
    Ok(Listed {
        claim: row.try_get("claim_id")?,
        number: row.try_get("claim_number")?,
        item: items::item(row)?,
        plan: plan.map(|snapshot| snapshot.plan.as_ref().clone()),
    })
}
