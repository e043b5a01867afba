//! What callers ask. These reads lock nothing and never feed a write.

use chassis::{Fault, row};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use proto::claim::ClaimEvent;
use proto::orchestrator::{ToldAnswer, ToldQuestion};
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::processes::stored;
use super::settlements::settlement;
use super::{count, ledgers};
use crate::claim_process::Process;
use crate::entitlement::Ledger;
use crate::settlement::Settlement;
use crate::stored::{Stored, Summary};

pub(super) const PROCESS: &str = "\
    SELECT claim_id, version, claim, format, process, plan, state, waiting_for, parties, round, events, end_reason, changed_at, \
        ask_again_at, ask_wait_s, due_at \
    FROM process WHERE claim_id = $1";

pub(super) const CUSTOMER: &str = "SELECT claim->'submitted'->>'customerRef' FROM process WHERE claim_id = $1";

/// Which of these claims somebody has reported.
pub(super) const BROUGHT: &str =
    "SELECT claim_id FROM process WHERE claim_id = ANY($1) AND claim->'submitted'->>'reportedBy' = $2";

macro_rules! processes {
    ($which: literal, $order: literal) => {
        concat!(
            "SELECT claim_id, claim->'submitted'->>'claimNumber' AS claim_number, state, waiting_for, parties, round, \
                 events, end_reason, changed_at, process FROM process WHERE ",
            $which,
            " ($1 = 0 OR state = $1) AND ",
            $order,
            " LIMIT $3"
        )
    };
}

// One for each index and order, so that each is planned for it. Ids are made from the time.
pub(super) const OLDEST: &str = processes!("", "claim_id > $2 ORDER BY claim_id");
pub(super) const NEWEST: &str = processes!("", "claim_id < $2 ORDER BY claim_id DESC");
pub(super) const OLDEST_OPEN: &str =
    processes!("state < 10 AND parties & $4 <> 0 AND", "claim_id > $2 ORDER BY claim_id");
pub(super) const NEWEST_OPEN: &str =
    processes!("state < 10 AND parties & $4 <> 0 AND", "claim_id < $2 ORDER BY claim_id DESC");
pub(super) const OLDEST_OF: &str = processes!(
    "claim_id = ANY($4) AND ($5 = 0 OR parties & $5 <> 0) AND ($6 = '' OR claim->'submitted'->>'customerRef' = $6) AND",
    "claim_id > $2 ORDER BY claim_id"
);
pub(super) const NEWEST_OF: &str = processes!(
    "claim_id = ANY($4) AND ($5 = 0 OR parties & $5 <> 0) AND ($6 = '' OR claim->'submitted'->>'customerRef' = $6) AND",
    "claim_id < $2 ORDER BY claim_id DESC"
);

/// The public events of a claim as they were journalled.
pub(super) const TIMELINE: &str = "\
    SELECT payload FROM journal \
    WHERE aggregate = $1 AND subject LIKE 'claim.%' AND number > $2 ORDER BY number LIMIT $3";

pub(super) const SETTLEMENTS: &str = "\
    SELECT settlement_id, claim_id, round, line, attempt, quantity, amount_minor, currency, state, reference, \
        instructed_at, decided_at, allowed_minor, freight_kept_minor, credit_note, tax_minor, failure, confirmed_by \
    FROM settlement \
    WHERE ($1::uuid IS NULL OR claim_id = $1) AND ($2 = 0 OR state = $2) \
        AND ($3::uuid IS NULL OR (instructed_at, settlement_id) > \
            (SELECT s.instructed_at, s.settlement_id FROM settlement s WHERE s.settlement_id = $3)) \
        AND ($5::text[] IS NULL OR currency = ANY($5)) \
    ORDER BY instructed_at, settlement_id LIMIT $4";

/// Whether the customer of a claim was told something since then.
pub(super) const TOLD: &str =
    "SELECT EXISTS (SELECT FROM journal WHERE aggregate = $1 AND at > $2 AND subject LIKE 'notice.customer.%')";

/// The ledgers of an article in an order; of one line, or of all.
pub(super) const ENTITLEMENT: &str = "\
    SELECT held, given, replaced, compensated_minor, goods_minor, version, paid_minor, \
        coalesce(facts_sold, sold) AS facts_sold, coalesce(facts_minor, paid_minor) AS facts_minor, currency, \
        tax_minor, taxed_minor \
    FROM entitlement WHERE order_no = $1 AND sku = $2 AND ($3 = '' OR line_id = $3) ORDER BY line_id";

/// One process of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub claim: Uuid,
    /// The number a customer can quote.
    pub claim_number: String,
    /// State, party it waits for and round.
    pub summary: Summary,
    /// Number of the last public event.
    pub events: u32,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Where it is.
    pub process: Process,
}

/// Which processes are listed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in this state; 0: in any.
    pub state: i16,
    /// Only those that wait for one of these parties, as bits; 0: for whomever.
    pub parties: i32,
    /// Only these claims; `None`: all.
    pub claims: Option<Vec<Uuid>>,
    /// Only those of this customer among them; empty: of all.
    pub customer_ref: String,
    pub newest_first: bool,
}

/// One process, whole.
pub async fn process(pool: &PgPool, claim: Uuid) -> Result<Option<Stored>, Fault> {
    sqlx::query(PROCESS).bind(claim).fetch_optional(pool).await?.as_ref().map(stored).transpose()
}

/// Whose claim it is: the customer's reference.
pub async fn customer(pool: &PgPool, claim: Uuid) -> Result<Option<String>, Fault> {
    let found: Option<Option<String>> = sqlx::query_scalar(CUSTOMER).bind(claim).fetch_optional(pool).await?;
    Ok(found.flatten())
}

/// Which of these claims somebody has reported, as a sales channel has its own.
pub async fn brought(pool: &PgPool, claims: &[Uuid], by: &str) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar(BROUGHT).bind(claims).bind(by).fetch_all(pool).await?)
}

/// Processes by claim id, from behind `after`.
pub async fn processes(pool: &PgPool, filter: &Filter, after: Option<Uuid>, limit: i64) -> Result<Vec<Listed>, Fault> {
    let Filter { state, parties, claims, customer_ref, newest_first } = filter;
    let after = after.unwrap_or(if *newest_first { Uuid::max() } else { Uuid::nil() });
    let pick =
        |newest, oldest| sqlx::query(if *newest_first { newest } else { oldest }).bind(*state).bind(after).bind(limit);
    let query = match claims {
        Some(claims) => pick(NEWEST_OF, OLDEST_OF).bind(claims).bind(*parties).bind(customer_ref),
        None if *parties != 0 => pick(NEWEST_OPEN, OLDEST_OPEN).bind(*parties),
        None => pick(NEWEST, OLDEST),
    };
    let rows = query.fetch_all(pool).await?;
    let listed = rows.iter().map(|row| {
        Ok(Listed {
            claim: row.try_get("claim_id")?,
            claim_number: row.try_get::<Option<String>, _>("claim_number")?.unwrap_or_default(),
            summary: Summary {
                state: i32::from(row.try_get::<i16, _>("state")?),
                waiting_for: i32::from(row.try_get::<i16, _>("waiting_for")?),
                round: count(row.try_get("round")?)?,
                parties: count(row.try_get("parties")?)?,
                end_reason: row.try_get("end_reason")?,
            },
            events: count(row.try_get("events")?)?,
            changed_at: row::time(row, "changed_at")?,
            process: row.try_get::<Json<Process>, _>("process")?.0,
        })
    });
    listed.collect()
}

/// Public events of a claim, from behind a number.
pub async fn timeline(pool: &PgPool, claim: Uuid, after: i32, limit: i64) -> Result<Vec<ClaimEvent>, Fault> {
    let rows = sqlx::query(TIMELINE).bind(claim).bind(after).bind(limit).fetch_all(pool).await?;
    let events = rows.iter().map(|row| {
        let bytes: Vec<u8> = row.try_get("payload")?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Fault::Permanent(format!("a public event cannot be read: {error}")))
    });
    events.collect()
}

/// Whether the customer of a claim was told something since then: asked by intake, before it says where to.
pub async fn told(pool: PgPool, question: ToldQuestion) -> Result<ToldAnswer, Fault> {
    let (claim, since) = (proto::ids::parse(&question.claim_id), question.since.as_ref().and_then(proto::from_wire));
    // A question that is none: whoever tries the permission asks nothing.
    let (Ok(claim), Some(since)) = (claim, since) else { return Ok(ToldAnswer::default()) };
    let told = sqlx::query_scalar(TOLD).bind(claim).bind(since.to_sqlx()).fetch_one(&pool).await?;
    Ok(ToldAnswer { told })
}

/// Settlements, oldest first, from behind `after`; in some currencies, or in all.
pub async fn settlements(
    pool: &PgPool,
    claim: Option<Uuid>,
    state: i16,
    after: Option<Uuid>,
    currencies: Option<Vec<String>>,
    limit: i64,
) -> Result<Vec<Settlement>, Fault> {
    let query = sqlx::query(SETTLEMENTS).bind(claim).bind(state).bind(after).bind(limit).bind(currencies);
    query.fetch_all(pool).await?.iter().map(settlement).collect()
}

/// The ledgers of the lines of an article in an order: of the line, or of all if it is empty.
pub async fn entitlement(pool: &PgPool, order_no: &str, sku: &str, line_id: &str) -> Result<Vec<Ledger>, Fault> {
    let query = sqlx::query(ENTITLEMENT).bind(order_no).bind(sku).bind(line_id);
    query.fetch_all(pool).await?.iter().map(ledgers::ledger).collect()
}
