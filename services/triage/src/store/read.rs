//! What callers read. Reads never feed a write.

use chassis::{Fault, Page};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use proto::claim::{Assessment, Plan, words};
use proto::{ClaimId, codes};
use sqlx::PgPool;
use uuid::Uuid;

use super::row;
use crate::domain::Item;
use crate::domain::orders::Recorded;

/// A claim with more versions than this has been judged too often to be shown whole.
pub(super) const ASSESSMENTS: &str = "\
    SELECT number, version, judged_by, judged_at, category, severity, priority, liability, department, plan \
    FROM assessment WHERE claim_id = $1 AND category IS NOT NULL ORDER BY number DESC, version DESC LIMIT 200";

pub(super) const OPEN_ITEMS: &str = "\
    SELECT work_item_id, claim_id, number, role, reason, due_at, state, version, opened_at, ended_at, ended_by, note, \
        content, assigned_to, overdue, raised_to, raised_at \
    FROM work_item WHERE state = 'open' AND (urgency, due_at, work_item_id) > ($1::int, $2::timestamptz, $3::uuid) \
        AND ($4::smallint = 0 OR role = $4) AND ($5::uuid IS NULL OR claim_id = $5) \
    ORDER BY urgency, due_at, work_item_id LIMIT $6";

pub(super) const ALL_ITEMS: &str = "\
    SELECT work_item_id, claim_id, number, role, reason, due_at, state, version, opened_at, ended_at, ended_by, note, \
        content, assigned_to, overdue, raised_to, raised_at \
    FROM work_item WHERE (urgency, due_at, work_item_id) > ($1::int, $2::timestamptz, $3::uuid) \
        AND ($4::smallint = 0 OR role = $4) AND ($5::uuid IS NULL OR claim_id = $5) \
    ORDER BY urgency, due_at, work_item_id LIMIT $6";

/// The work items of one claim.
pub(super) const CLAIM_ITEMS: &str = "\
    SELECT work_item_id, claim_id, number, role, reason, due_at, state, version, opened_at, ended_at, ended_by, note, \
        content, assigned_to, overdue, raised_to, raised_at \
    FROM work_item WHERE claim_id = $1 ORDER BY urgency, due_at, work_item_id LIMIT 100";

/// Work items by their names, for the list of all services.
pub(super) const SHOWN: &str = "\
    SELECT work_item_id, claim_id, number, role, reason, due_at, state, version, opened_at, ended_at, ended_by, note, \
        content, assigned_to, overdue, raised_to, raised_at \
    FROM work_item WHERE work_item_id = ANY($1)";

/// Work items that are overdue, and were not told to be.
pub(super) const OVERDUE: &str = "\
    SELECT work_item_id FROM work_item WHERE state = 'open' AND NOT overdue AND due_at <= now() + $1::text::interval \
    ORDER BY due_at LIMIT 500";

/// All versions of the lines of orders with this key, in one order that the index of the table gives.
pub(super) const VERSIONS: &str = "\
    SELECT v.order_no, v.sku, v.line_id, v.version, v.customer_ref, v.quantity, v.paid_minor, v.tax_minor, \
        v.discount_minor, v.currency, v.kind, v.purchased_on, v.delivered_on, \
        v.warranty_until, v.repaired_on, v.recorded_by, v.recorded_at \
    FROM order_version AS v \
    WHERE v.order_no = ANY(SELECT DISTINCT order_no FROM order_line WHERE order_key = $1) \
        AND (v.order_no, v.sku, v.line_id, v.version) > ($2::text, $3::text, $4::text, $5::int) \
    ORDER BY v.order_no, v.sku, v.line_id, v.version LIMIT $6";

/// Which work items are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only this role.
    pub role: Option<words::Role>,
    /// Only this claim.
    pub claim: Option<ClaimId>,
    /// Also those that are closed.
    pub closed: bool,
    /// Those after this urgency, due time and id.
    pub after: (i32, Timestamp, Uuid),
}

impl Filter {
    /// Reads the key of the last row of the page before; none: it is no key of ours.
    pub fn key(text: Option<&str>) -> Option<(i32, Timestamp, Uuid)> {
        let Some(text) = text else { return Some((-1, Timestamp::UNIX_EPOCH, Uuid::nil())) };
        let mut parts = text.splitn(3, ' ');
        let urgency = parts.next()?.parse().ok()?;
        let due_at = Timestamp::from_microsecond(parts.next()?.parse().ok()?).ok()?;
        Some((urgency, due_at, proto::ids::parse(parts.next()?).ok()?))
    }

    /// The key of a row.
    pub fn key_of(item: &Item) -> String {
        let urgency = 1000 - item.assessment.priority.min(1000);
        format!("{urgency} {} {}", item.work.due_at.as_microsecond(), item.work.id)
    }
}

/// The versions of a claim's assessments, newest first, with the plan of each.
pub async fn assessments(pool: &PgPool, claim: ClaimId) -> Result<Vec<(Assessment, Option<Plan>)>, Fault> {
    let rows = sqlx::query(ASSESSMENTS).bind(claim.0).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row::judgement(row)?.unwrap_or_default(), row::plan(row)?))).collect()
}

/// The work items of a claim, most urgent first.
pub async fn items_of(pool: &PgPool, claim: ClaimId) -> Result<Vec<Item>, Fault> {
    let rows = sqlx::query(CLAIM_ITEMS).bind(claim.0).fetch_all(pool).await?;
    rows.iter().map(row::item).collect()
}

/// Work items by their names.
pub async fn items_by_name(pool: &PgPool, items: &[Uuid]) -> Result<Vec<Item>, Fault> {
    sqlx::query(SHOWN).bind(items).fetch_all(pool).await?.iter().map(row::item).collect()
}

/// Work items that are overdue by the clock of the database, and were not told to be.
pub async fn overdue(pool: &PgPool, offset: SignedDuration) -> Result<Vec<Uuid>, Fault> {
    let offset = format!("{} microseconds", offset.as_micros());
    Ok(sqlx::query_scalar(OVERDUE).bind(offset).fetch_all(pool).await?)
}

/// Work items, most urgent first.
pub async fn work_items(pool: &PgPool, filter: &Filter, page: &Page) -> Result<Vec<Item>, Fault> {
    let (urgency, due_at, id) = filter.after;
    let rows = sqlx::query(if filter.closed { ALL_ITEMS } else { OPEN_ITEMS })
        .bind(urgency)
        .bind(due_at.to_sqlx())
        .bind(id)
        .bind(i16::try_from(filter.role.map_or(0, i32::from)).unwrap_or(0))
        .bind(filter.claim.map(|claim| claim.0))
        .bind(page.limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(row::item).collect()
}

/// A version of an order line, as a page token names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionKey(pub String, pub String, pub String, pub i32);

impl VersionKey {
    /// Reads the key of the last row of the page before; none: it is no key of ours.
    pub fn read(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::default()) };
        let mut parts = text.split('\n');
        let mut next = || parts.next().map(str::to_owned);
        let key = Self(next()?, next()?, next()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(key)
    }

    /// The key of a row. No code has a line break.
    pub fn of(recorded: &Recorded) -> String {
        let order = &recorded.order;
        format!("{}\n{}\n{}\n{}", order.order_no, order.sku, order.line_id, order.version)
    }
}

/// All that was recorded about orders with a number, however it is spelled.
pub async fn order_versions(
    pool: &PgPool,
    order_no: &str,
    after: &VersionKey,
    page: &Page,
) -> Result<Vec<Recorded>, Fault> {
    let VersionKey(number, sku, line, version) = after;
    let found = sqlx::query(VERSIONS).bind(codes::key(order_no)).bind(number).bind(sku).bind(line).bind(version);
    found.bind(page.limit).fetch_all(pool).await?.iter().map(row::recorded).collect()
}
