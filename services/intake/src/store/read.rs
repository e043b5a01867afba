//! Reads for callers. They never feed a write, and have no personal data.

use std::collections::BTreeMap;

use chassis::Fault;
use jiff::Timestamp;
use proto::ClaimId;
use proto::claim::ClaimState;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::{self, ClaimRow};
use crate::domain::Claim;

pub(super) const CUSTOMER_OF: &str = "SELECT customer_ref, brought_by FROM claim WHERE claim_id = $1";

pub(super) const BY_NUMBER: &str = "SELECT claim_id FROM claim WHERE claim_number = $1";

/// Versions of the policy pack that open claims go by; 0: the oldest.
pub const VERSIONS: &str = "SELECT DISTINCT policy_version FROM claim WHERE state < 10";

// Ids are made from the time: the greatest is the newest. Four statements, so that each is planned for its index.
// Canaries are among those of their customer only.
pub(super) const ALL: &str = "SELECT claim_id FROM claim \
     WHERE claim_id < $1 AND NOT starts_with(customer_ref, 'canary') ORDER BY claim_id DESC LIMIT $2";

pub(super) const OF_CUSTOMER: &str =
    "SELECT claim_id FROM claim WHERE claim_id < $1 AND customer_ref = $3 ORDER BY claim_id DESC LIMIT $2";

pub(super) const IN_STATE: &str = "SELECT claim_id FROM claim \
     WHERE claim_id < $1 AND state = $3 AND NOT starts_with(customer_ref, 'canary') ORDER BY claim_id DESC LIMIT $2";

pub(super) const OF_CUSTOMER_IN_STATE: &str = "SELECT claim_id FROM claim \
     WHERE claim_id < $1 AND customer_ref = $3 AND state = $4 ORDER BY claim_id DESC LIMIT $2";

pub(super) const THESE: &str = "SELECT claim_id FROM claim \
     WHERE claim_id = ANY($3) AND claim_id < $1 AND ($4 = '' OR customer_ref = $4) AND ($5 = 0 OR state = $5) \
     ORDER BY claim_id DESC LIMIT $2";

/// Claims that a sales channel has brought.
pub(super) const OF_CHANNEL: &str = "SELECT claim_id FROM claim \
     WHERE brought_by = $3 AND claim_id < $1 AND ($4 = '' OR customer_ref = $4) AND ($5 = 0 OR state = $5) \
         AND (cardinality($6::uuid[]) = 0 OR claim_id = ANY($6)) ORDER BY claim_id DESC LIMIT $2";

/// The newest canaries: when each was received, and whether it has ended.
pub(super) const CANARIES: &str = "SELECT received_at, state IN (10, 11, 12, 13) AS ended FROM claim \
     WHERE customer_ref = $1 ORDER BY claim_id DESC LIMIT $2";

/// Which claims are listed.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only those of this customer; empty: of all.
    pub customer_ref: String,
    /// Only those in this state; unspecified: in any.
    pub state: ClaimState,
    /// Only these; empty: all.
    pub ids: Vec<Uuid>,
    /// Only those that this sales channel has brought; `None`: of all.
    pub channel: Option<String>,
}

/// The claims with these ids. The claim's own row is read first: its etag is never newer than what comes with it.
pub async fn claims(pool: &PgPool, ids: &[Uuid]) -> Result<BTreeMap<ClaimId, Claim>, Fault> {
    let mut connection = pool.acquire().await?;
    let found: Vec<ClaimRow> = sqlx::query_as(rows::CLAIMS).bind(ids).fetch_all(&mut *connection).await?;
    let mut claims = BTreeMap::new();
    let mut contacted = Vec::new();
    for row in found {
        let was_contacted = row.was_contacted();
        let claim = row.claim()?;
        contacted.extend(was_contacted.then_some(claim.id.0));
        claims.insert(claim.id, claim);
    }
    rows::add_questions(&mut connection, &mut claims, ids).await?;
    rows::add_contacts(&mut connection, &mut claims, &contacted).await?;
    rows::add_report(&mut connection, &mut claims, ids).await?;
    Ok(claims)
}

/// Whose claim it is, and the sales channel that has brought it.
pub async fn customer_of(pool: &PgPool, claim: ClaimId) -> Result<Option<(String, String)>, Fault> {
    Ok(sqlx::query_as(CUSTOMER_OF).bind(claim.0).fetch_optional(pool).await?)
}

/// The id of the claim with this number.
pub async fn by_number(pool: &PgPool, number: &str) -> Result<Option<Uuid>, Fault> {
    Ok(sqlx::query_scalar(BY_NUMBER).bind(number).fetch_optional(pool).await?)
}

/// Ids of claims, newest first.
pub async fn list(pool: &PgPool, filter: &Filter, before: Uuid, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let (customer_ref, state) = (filter.customer_ref.as_str(), filter.state as i32);
    if let Some(channel) = &filter.channel {
        let query = sqlx::query_scalar(OF_CHANNEL).bind(before).bind(limit).bind(channel).bind(customer_ref);
        return Ok(query.bind(state).bind(&filter.ids).fetch_all(pool).await?);
    }
    if !filter.ids.is_empty() {
        let query = sqlx::query_scalar(THESE).bind(before).bind(limit).bind(&filter.ids);
        return Ok(query.bind(customer_ref).bind(state).fetch_all(pool).await?);
    }
    let query = match (customer_ref.is_empty(), state == 0) {
        (true, true) => sqlx::query_scalar(ALL).bind(before).bind(limit),
        (false, true) => sqlx::query_scalar(OF_CUSTOMER).bind(before).bind(limit).bind(customer_ref),
        (true, false) => sqlx::query_scalar(IN_STATE).bind(before).bind(limit).bind(state),
        (false, false) => {
            sqlx::query_scalar(OF_CUSTOMER_IN_STATE).bind(before).bind(limit).bind(customer_ref).bind(state)
        }
    };
    Ok(query.fetch_all(pool).await?)
}

/// The newest canaries, newest first: when each was received, and whether it has ended.
pub async fn canaries(pool: &PgPool, limit: i64) -> Result<Vec<(Timestamp, bool)>, Fault> {
    let query = sqlx::query_as(CANARIES).bind(proto::canary::CUSTOMER_REF).bind(limit);
    let rows: Vec<(jiff_sqlx::Timestamp, bool)> = query.fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(received_at, ended)| (received_at.to_jiff(), ended)).collect())
}
