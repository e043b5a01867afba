//! Lists, page by page, by key.

use chassis::{Call, Check, Refusal, read_failed};
use proto::claim::{ClaimState, WaitingFor};
use proto::customer;
use proto::orchestrator::{
    GetTimelineRequest, GetTimelineResponse, ListProcessesRequest, ListProcessesResponse, ListSettlementsRequest,
    ListSettlementsResponse, Process, SettlementState,
};
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use crate::store::reads::{self, Filter, Listed};
use crate::wire;

/// Settlements of a claim that are shown with it: more than its lines and rounds ever have.
pub(super) const SETTLEMENTS_MAX: i64 = 5_000;

/// A customer sees own claims only, and a sales channel those that it has brought; another's is as absent as one that never
/// was (S32, SR9).
pub(super) async fn own(pool: &PgPool, call: &Call, claim: Uuid) -> Result<(), Status> {
    if let Some(channel) = call.actor.channel() {
        let brought = reads::brought(pool, &[claim], channel).await.map_err(read_failed)?;
        return if brought.is_empty() { Err(Refusal::not_found("claim", claim).into()) } else { Ok(()) };
    }
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
    let mut claims = check.ids("claim_ids", &body.claim_ids);
    if (call.actor.customer.is_some() || call.actor.channel().is_some()) && claims.is_empty() {
        check.add("claim_ids", "must be given by a customer and by a channel");
    }
    let state: ClaimState = check.optional_wire("state", body.state);
    let waiting_for: WaitingFor = check.optional_wire("waiting_for", body.waiting_for);
    let of = body.claim_ids.join(" ");
    let order = if body.newest_first { "newest" } else { "oldest" };
    let query = [state.as_str_name(), waiting_for.as_str_name(), &of, order];
    let page = check.page(body.page_size, &body.page_token, &query);
    let after = page.key::<Uuid>(&mut check);
    check.finish()?;
    if let Some(channel) = call.actor.channel() {
        claims = reads::brought(pool, &claims, channel).await.map_err(read_failed)?;
        if claims.is_empty() {
            return Ok(ListProcessesResponse::default());
        }
    }
    // A customer names the claims, and looks for what customers are told of them, not for what it stands for.
    let own = call.actor.customer.is_some();
    let every = own || waiting_for == WaitingFor::Unspecified;
    let filter = Filter {
        state: if own { 0 } else { small(state as i32) },
        parties: if every { 0 } else { 1 << waiting_for as i32 },
        claims: (!claims.is_empty()).then_some(claims),
        customer_ref: call.actor.customer.clone().unwrap_or_default(),
        newest_first: body.newest_first,
    };
    let rows = reads::processes(pool, &filter, after, page.limit).await;
    let rows = rows.map_err(read_failed)?;
    let told = |row: &Listed| if own { customer::process(&wire::listed(row)) } else { wire::listed(row) };
    let (mut processes, next_page_token) = page.finish(&rows, |row| row.claim.to_string(), told);
    if own {
        processes.retain(|process| is_asked(process, state, waiting_for));
    }
    Ok(ListProcessesResponse { processes, next_page_token })
}

/// Whether a customer asks for a process, as customers are told of it.
fn is_asked(process: &Process, state: ClaimState, party: WaitingFor) -> bool {
    let waits = process.waiting_for() == party || process.waiting.iter().any(|waiting| waiting.party() == party);
    (state == ClaimState::Unspecified || process.state() == state) && (party == WaitingFor::Unspecified || waits)
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
    let (mut events, next_page_token) = page.finish(events, |event| event.number.to_string(), |event| event);
    if call.actor.customer.is_some() {
        events = events.iter().filter_map(customer::event).collect();
    }
    Ok(GetTimelineResponse { events, next_page_token })
}

/// Settlements, oldest first. A system of finance sees those in its currencies.
pub(super) async fn settlements(
    pool: &PgPool,
    call: &Call,
    body: &ListSettlementsRequest,
) -> Result<ListSettlementsResponse, Status> {
    let mut check = Check::new();
    let claim = (!body.claim_id.is_empty()).then(|| check.uuid("claim_id", &body.claim_id));
    let state: SettlementState = check.optional_wire("state", body.state);
    let page = check.page(body.page_size, &body.page_token, &[&body.claim_id, state.as_str_name()]);
    let after = page.key::<Uuid>(&mut check);
    check.finish()?;
    let rows = reads::settlements(pool, claim, small(state as i32), after, call.actor.currencies(), page.limit).await;
    let rows = rows.map_err(read_failed)?;
    let (settlements, next_page_token) = page.finish(&rows, |row| row.settlement_id.to_string(), wire::settlement);
    Ok(ListSettlementsResponse { settlements, next_page_token })
}

/// A number of the contract for a column; all of them are small.
fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(-1)
}
