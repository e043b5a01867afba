//! Lists, page by page, by key.

use chassis::{Call, Check, Refusal, read_failed};
use proto::claim::{ClaimState, WaitingFor};
use proto::orchestrator::{
    GetTimelineRequest, GetTimelineResponse, ListProcessesRequest, ListProcessesResponse, ListSettlementsRequest,
    ListSettlementsResponse, SettlementState,
};
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use super::wire;
use crate::store::reads::{self, Filter};

/// Settlements of a claim that are shown with it: more than its lines and rounds ever have.
pub(super) const SETTLEMENTS_MAX: i64 = 5_000;

/// A customer sees own claims only; another's is as absent as one that never was (S32).
pub(super) async fn own(pool: &PgPool, call: &Call, claim: Uuid) -> Result<(), Status> {
    let Some(customer) = &call.actor.customer else { return Ok(()) };
    let whose = reads::customer(pool, claim).await.map_err(read_failed)?;
    if whose.as_ref() == Some(customer) { Ok(()) } else { Err(Refusal::not_found("claim", claim).into()) }
}

/// Processes by claim id. A customer sees own claims only, and names them: they are not looked for.
pub(super) async fn processes(
    pool: &PgPool,
    call: &Call,
    body: &ListProcessesRequest,
) -> Result<ListProcessesResponse, Status> {
    let mut check = Check::new();
    let claims = check.ids("claim_ids", &body.claim_ids);
    if call.actor.customer.is_some() && claims.is_empty() {
        check.add("claim_ids", "must be given by a customer");
    }
    let state: ClaimState = check.optional_choice("state", body.state);
    let waiting_for: WaitingFor = check.optional_choice("waiting_for", body.waiting_for);
    let of = body.claim_ids.join(" ");
    let order = if body.newest_first { "newest" } else { "oldest" };
    let query = [state.as_str_name(), waiting_for.as_str_name(), &of, order];
    let page = check.page(body.page_size, &body.page_token, &query);
    let after = page.key::<Uuid>(&mut check);
    check.finish()?;
    let filter = Filter {
        state: small(state as i32),
        parties: if waiting_for == WaitingFor::Unspecified { 0 } else { 1 << waiting_for as i32 },
        claims: (!claims.is_empty()).then_some(claims),
        customer_ref: call.actor.customer.clone().unwrap_or_default(),
        newest_first: body.newest_first,
    };
    let rows = reads::processes(pool, &filter, after, page.limit).await;
    let rows = rows.map_err(read_failed)?;
    let (processes, next_page_token) = page.finish(&rows, |row| row.claim.to_string(), wire::listed);
    Ok(ListProcessesResponse { processes, next_page_token })
}

/// Public events of a claim in order.
pub(super) async fn timeline(
    pool: &PgPool,
    call: &Call,
    body: &GetTimelineRequest,
) -> Result<GetTimelineResponse, Status> {
    let mut check = Check::new();
    let claim = check.uuid("claim_id", &body.claim_id);
    let page = check.page(body.page_size, &body.page_token, &[&body.claim_id]);
    let after = page.key(&mut check).unwrap_or(0);
    check.finish()?;
    own(pool, call, claim).await?;
    let events = reads::timeline(pool, claim, after, page.limit).await.map_err(read_failed)?;
    // A claim has its first event from the moment it is known.
    if events.is_empty() && after == 0 {
        return Err(Refusal::not_found("claim", claim).into());
    }
    let (events, next_page_token) = page.finish(events, |event| event.number.to_string(), |event| event);
    Ok(GetTimelineResponse { events, next_page_token })
}

/// Settlements, oldest first.
pub(super) async fn settlements(
    pool: &PgPool,
    body: &ListSettlementsRequest,
) -> Result<ListSettlementsResponse, Status> {
    let mut check = Check::new();
    let claim = (!body.claim_id.is_empty()).then(|| check.uuid("claim_id", &body.claim_id));
    let state: SettlementState = check.optional_choice("state", body.state);
    let page = check.page(body.page_size, &body.page_token, &[&body.claim_id, state.as_str_name()]);
    let after = page.key::<Uuid>(&mut check);
    check.finish()?;
    let rows = reads::settlements(pool, claim, small(state as i32), after, page.limit).await;
    let rows = rows.map_err(read_failed)?;
    let (settlements, next_page_token) = page.finish(&rows, |row| row.settlement_id.to_string(), wire::settlement);
    Ok(ListSettlementsResponse { settlements, next_page_token })
}

/// A number of the contract for a column; all of them are small.
fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(-1)
}
