//! GetClaim and ListClaims.

use chassis::{Call, Check, Refusal, read_failed};
use proto::ClaimId;
use proto::claim::ClaimState;
use proto::intake::{Claim, GetClaimRequest, ListClaimsRequest, ListClaimsResponse};
use proto::policy::Dated;
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use super::reply;
use crate::domain::Rules;
use crate::store::{self, Filter};

/// States that a claim can have here.
const IN_INTAKE: [ClaimState; 9] = [
    ClaimState::Unspecified,
    ClaimState::Submitted,
    ClaimState::AwaitingCustomer,
    ClaimState::AwaitingConsent,
    ClaimState::FollowingUp,
    ClaimState::Closed,
    ClaimState::Rejected,
    ClaimState::Withdrawn,
    ClaimState::Duplicate,
];

/// One claim, by its id or by its number.
pub(super) async fn get(
    reads: &PgPool,
    rules: &Dated<Rules>,
    call: &Call,
    body: &GetClaimRequest,
) -> Result<Claim, Status> {
    let mut check = Check::new();
    let by_number = !check.either(("claim_id", &body.claim_id), ("claim_number", &body.claim_number));
    let mut id = ClaimId(Uuid::nil());
    if !by_number {
        id = check.id("claim_id", &body.claim_id);
    }
    let number = check.token("claim_number", &body.claim_number, 0..=40);
    check.finish()?;
    let asked = if by_number { number.clone() } else { id.to_string() };
    let absent = || Refusal::not_found("claim", &asked);
    if by_number {
        // An unknown number is looked up as far as that of another customer.
        id = store::by_number(reads, &number).await.map_err(read_failed)?.map_or(id, ClaimId);
    }
    if !is_own(reads, call, id).await? {
        return Err(absent().into());
    }
    let claims = store::claims(reads, &[id.0]).await.map_err(read_failed)?;
    Ok(reply::claim(rules, claims.get(&id).ok_or_else(absent)?, &call.actor))
}

/// Whether the caller may know of a claim. A customer sees own claims only, a sales channel those that it has brought;
/// another's is as absent as one that never was, and as quickly (S32, SR9).
async fn is_own(reads: &PgPool, call: &Call, claim: ClaimId) -> Result<bool, Status> {
    let (customer, channel) = (&call.actor.customer, call.actor.channel());
    if customer.is_none() && channel.is_none() {
        return Ok(true);
    }
    let whose = store::customer_of(reads, claim).await.map_err(read_failed)?;
    Ok(whose.is_some_and(|(whose, brought_by)| {
        customer.as_ref().is_none_or(|own| *own == whose) && channel.is_none_or(|own| own == brought_by)
    }))
}

/// Refuses a claim that the caller may not know of.
pub(super) async fn own(reads: &PgPool, call: &Call, claim: ClaimId) -> Result<(), Status> {
    if is_own(reads, call, claim).await? { Ok(()) } else { Err(Refusal::not_found("claim", claim).into()) }
}

/// Claims, newest first.
pub(super) async fn list(
    reads: &PgPool,
    rules: &Dated<Rules>,
    call: &Call,
    body: &ListClaimsRequest,
) -> Result<ListClaimsResponse, Status> {
    let mut check = Check::new();
    let mut customer_ref = check.customer_ref("customer_ref", &body.customer_ref, true);
    let others = call.actor.customer.as_ref().is_some_and(|own| !customer_ref.is_empty() && customer_ref != *own);
    // A customer lists own claims, whatever else is asked.
    customer_ref = call.actor.customer.clone().unwrap_or(customer_ref);
    let state: ClaimState = check.optional_wire("state", body.state);
    if !IN_INTAKE.contains(&state) {
        check.add("state", "is none that intake has: the processes of claims are listed by ListProcesses");
    }
    let ids = check.ids("claim_ids", &body.claim_ids);
    let of = body.claim_ids.join(" ");
    let page = check.page(body.page_size, &body.page_token, &["claims", &customer_ref, state.as_str_name(), &of]);
    let before = page.after.as_ref().map_or(Uuid::max(), |after| check.uuid("page_token", after));
    check.finish()?;
    if others {
        return Ok(ListClaimsResponse::default());
    }
    let filter = Filter { customer_ref, state, ids, channel: call.actor.channel().map(str::to_owned) };
    let ids = store::list(reads, &filter, before, page.limit).await.map_err(read_failed)?;
    let claims = store::claims(reads, &ids).await.map_err(read_failed)?;
    let found = ids.iter().filter_map(|id| claims.get(&ClaimId(*id)));
    let told = |claim| reply::claim(rules, claim, &call.actor);
    let (claims, next_page_token) = page.finish(found, |claim| claim.id.to_string(), told);
    Ok(ListClaimsResponse { claims, next_page_token })
}
