//! Reads for callers. They never feed a write.

use std::collections::BTreeMap;

use chassis::row::{self, count, word};
use chassis::{Fault, Page};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{job, place};
use crate::domain::{
    Job, MovementKind, Place, Reservation, ReservationState, Return, ReturnReason, ReturnState, Stock,
};

pub(super) const SKU_KNOWN: &str = "SELECT EXISTS (SELECT FROM sku WHERE sku = $1)";

pub(super) const STOCK: &str = "\
    SELECT sku, batch, warehouse, zone, on_hand, reserved, moves FROM stock \
    WHERE sku = $1 AND ($2 = '' OR batch = $2) ORDER BY batch, warehouse, zone";

pub(super) const BACK_ORDERED: &str = "\
    SELECT coalesce(sum(wanted - held), 0)::bigint FROM reservation \
    WHERE sku = $1 AND state = 'held_partly' AND ($2 = '' OR CASE batch_rule \
        WHEN 'same' THEN lower(btrim(batch)) = lower(btrim($2)) \
        WHEN 'other' THEN lower(btrim(batch)) <> lower(btrim($2)) \
        ELSE true END)";

pub(super) const MOVEMENTS: &str = "\
    SELECT movement_id, kind, sku, batch, warehouse, zone, quantity, document, actor, moved_at FROM movement \
    WHERE sku = $1 AND movement_id < $2 ORDER BY movement_id DESC LIMIT $3";

/// What is only remembered, because its undoing came first, is nothing to look at.
pub(super) const RESERVATIONS: &str = "\
    SELECT reservation_no, claim_id, round, line, attempt, sku, batch, batch_rule, wanted, held, commit, state, \
        queued_at, expires_at, expected_on, policy_version, version FROM reservation \
    WHERE sku <> '' AND ($1::uuid IS NULL OR claim_id = $1) AND ($2::text IS NULL OR state = $2) \
        AND reservation_no > $3 ORDER BY reservation_no LIMIT $4";

pub(super) const RETURNS: &str = "\
    SELECT return_no, claim_id, round, line, attempt, sku, batch, announced, reason, accepted, damaged, wrong_item, \
        unsalable, not_as_claimed, other_sku, state, version, \
        (SELECT coalesce(sum(w.damaged + w.wrong_item), 0)::integer FROM return_waiting w \
            WHERE (w.claim_id, w.round, w.line, w.attempt) = (g.claim_id, g.round, g.line, g.attempt)) AS waiting \
    FROM goods_return g \
    WHERE sku <> '' AND ($1::uuid IS NULL OR claim_id = $1) AND ($2::text IS NULL OR state = $2) \
        AND return_no > $3 ORDER BY return_no LIMIT $4";

/// What is available of a SKU.
pub struct Availability {
    /// Where it is.
    pub stock: Vec<(Place, Stock)>,
    /// Units that reservations wait for.
    pub back_ordered: i64,
}

/// An entry of the ledger.
pub struct StoredMovement {
    /// Number of the entry.
    pub movement_id: i64,
    pub kind: MovementKind,
    /// Where.
    pub place: Place,
    /// Units.
    pub quantity: i64,
    /// Claim, delivery note or reason.
    pub document: String,
    /// Who.
    pub actor: String,
    /// When.
    pub moved_at: Timestamp,
}

/// A reservation in a list.
pub struct StoredReservation {
    /// Its place in the list.
    pub number: i64,
    pub job: Job,
    /// The reservation, without its allocations.
    pub reservation: Reservation,
    /// Units held.
    pub held: u32,
}

/// A return in a list.
pub struct StoredReturn {
    /// Its place in the list.
    pub number: i64,
    pub job: Job,
    /// The return, without where its units wait.
    pub known: Return,
    /// Units that wait for a disposition, in all warehouses.
    pub waiting: u32,
}

/// What a list is narrowed to.
pub struct Filter<S> {
    /// Only this claim.
    pub claim: Option<Uuid>,
    /// Only this state.
    pub state: Option<S>,
    /// Only what comes after.
    pub after: i64,
}

/// What is available of a SKU; none: it is not registered.
pub async fn availability(pool: &PgPool, sku: &str, batch: &str) -> Result<Option<Availability>, Fault> {
    if !sqlx::query_scalar::<_, bool>(SKU_KNOWN).bind(sku).fetch_one(pool).await? {
        return Ok(None);
    }
    let mut stock = Vec::new();
    for row in sqlx::query(STOCK).bind(sku).bind(batch).fetch_all(pool).await? {
        let (on_hand, reserved, moves) = (row.try_get("on_hand")?, row.try_get("reserved")?, row.try_get("moves")?);
        stock.push((place(&row)?, Stock { on_hand, reserved, moves }));
    }
    let back_ordered = sqlx::query_scalar(BACK_ORDERED).bind(sku).bind(batch).fetch_one(pool).await?;
    Ok(Some(Availability { stock, back_ordered }))
}

/// Movements of a SKU, newest first, from before an entry.
pub async fn movements(pool: &PgPool, sku: &str, before: i64, page: &Page) -> Result<Vec<StoredMovement>, Fault> {
    let rows = sqlx::query(MOVEMENTS).bind(sku).bind(before).bind(page.limit).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(StoredMovement {
            movement_id: row.try_get("movement_id")?,
            kind: word(row, "kind")?,
            place: place(row)?,
            quantity: row.try_get("quantity")?,
            document: row.try_get("document")?,
            actor: row.try_get("actor")?,
            moved_at: row::time(row, "moved_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Reservations, oldest first.
pub async fn reservations(
    pool: &PgPool,
    filter: &Filter<ReservationState>,
    page: &Page,
) -> Result<Vec<StoredReservation>, Fault> {
    let query = sqlx::query(RESERVATIONS).bind(filter.claim).bind(filter.state.map(ReservationState::word));
    let rows = query.bind(filter.after).bind(page.limit).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(StoredReservation {
            number: row.try_get("reservation_no")?,
            job: job(row)?,
            reservation: reservation(row)?,
            held: count(row, "held")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Returns, oldest first.
pub async fn returns(pool: &PgPool, filter: &Filter<ReturnState>, page: &Page) -> Result<Vec<StoredReturn>, Fault> {
    let query = sqlx::query(RETURNS).bind(filter.claim).bind(filter.state.map(ReturnState::word));
    let rows = query.bind(filter.after).bind(page.limit).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        Ok(StoredReturn {
            number: row.try_get("return_no")?,
            job: job(row)?,
            known: goods_return(row)?,
            waiting: count(row, "waiting")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The columns of a reservation, without its allocations.
pub(super) fn reservation(row: &PgRow) -> Result<Reservation, Fault> {
    Ok(Reservation {
        sku: row.try_get("sku")?,
        batch: row.try_get("batch")?,
        rule: word(row, "batch_rule")?,
        wanted: count(row, "wanted")?,
        policy_version: count(row, "policy_version")?,
        commit: row.try_get("commit")?,
        state: word(row, "state")?,
        allocations: BTreeMap::new(),
        queued_at: row::time(row, "queued_at")?,
        expires_at: row::optional_time(row, "expires_at")?,
        expected_on: row::optional_day(row, "expected_on")?,
        version: row.try_get("version")?,
    })
}

/// How a row says that nobody said why goods come back.
pub(super) const UNSAID: &str = "unspecified";

fn reason(row: &PgRow) -> Result<Option<ReturnReason>, Fault> {
    if row.try_get::<&str, _>("reason")? == UNSAID { Ok(None) } else { word(row, "reason").map(Some) }
}

/// The columns of a return, without what waits for a disposition.
pub(super) fn goods_return(row: &PgRow) -> Result<Return, Fault> {
    Ok(Return {
        sku: row.try_get("sku")?,
        batch: row.try_get("batch")?,
        announced: count(row, "announced")?,
        reason: reason(row)?,
        accepted: count(row, "accepted")?,
        damaged: count(row, "damaged")?,
        wrong_item: count(row, "wrong_item")?,
        unsalable: count(row, "unsalable")?,
        not_as_claimed: count(row, "not_as_claimed")?,
        other_sku: row.try_get("other_sku")?,
        state: word(row, "state")?,
        waiting: BTreeMap::new(),
        version: row.try_get("version")?,
    })
}
