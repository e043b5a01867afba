//! Requests to commands, refusals to status. Every bad field of a request is named at once.

mod check;

use chassis::{Call, Check, Clock, Lanes, read_failed};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use proto::triage::triage_service_server::TriageService;
use proto::triage::{
    DecideWorkItemRequest, DecideWorkItemResponse, GetAssessmentRequest, GetAssessmentResponse, ListOrderFactsRequest,
    ListOrderFactsResponse, ListWorkItemsRequest, ListWorkItemsResponse, RecordOrdersRequest, RecordOrdersResponse,
};
use proto::{ClaimId, codes};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};

use crate::domain::Refusal;
use crate::handle::Handle;
use crate::store::{Filter, VersionKey};
use crate::{events, store};

/// Work items of a page at the most: each holds a whole claim, which may have 64 KiB.
const ITEMS_MAX: i64 = 100;

/// The gRPC service.
pub struct Api {
    /// How anything changes.
    pub lanes: Lanes<Handle>,
    /// For reads only.
    pub reads: PgPool,
    /// What the time is, for days that must not be in the future.
    pub clock: Clock,
}

#[tonic::async_trait]
impl TriageService for Api {
    async fn record_orders(
        &self,
        request: Request<RecordOrdersRequest>,
    ) -> Result<Response<RecordOrdersResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        // The first day that begins anywhere is fourteen hours ahead.
        let latest = (self.clock.now() + 14.hours()).to_zoned(TimeZone::UTC).date();
        let command = check::record_orders(body, latest)?;
        // The order of another system is as absent as none (SR9).
        let others = body.lines.iter().find(|line| !is_own(&call, &line.order_no));
        if let Some(line) = others {
            return Err(chassis::Refusal::not_found("order", &line.order_no).into());
        }
        self.lanes.call(&call, body, command).await
    }

    async fn list_order_facts(
        &self,
        request: Request<ListOrderFactsRequest>,
    ) -> Result<Response<ListOrderFactsResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let order_no = check.spelled("order_no", &body.order_no, 1..=64);
        let page = check.page(body.page_size, &body.page_token, &["order_facts", &codes::key(&order_no)]);
        let after = VersionKey::read(page.after.as_deref()).unwrap_or_else(|| {
            check.add("page_token", "is not a token of this query");
            VersionKey::default()
        });
        check.finish()?;
        let versions = store::order_versions(&self.reads, &order_no, &after, &page).await.map_err(read_failed)?;
        let (mut facts, next_page_token) =
            page.finish(&versions, |version| VersionKey::of(version), events::order_facts);
        let call = Call::of(&request);
        facts.retain(|facts| facts.line.as_ref().is_some_and(|line| is_own(&call, &line.order_no)));
        Ok(Response::new(ListOrderFactsResponse { facts, next_page_token }))
    }

    async fn get_assessment(
        &self,
        request: Request<GetAssessmentRequest>,
    ) -> Result<Response<GetAssessmentResponse>, Status> {
        let mut check = Check::new();
        let claim: ClaimId = check.id("claim_id", &request.get_ref().claim_id);
        check.finish()?;
        let rows = store::assessments(&self.reads, claim).await.map_err(read_failed)?;
        if rows.is_empty() {
            return Err(chassis::Refusal::not_found("claim", claim).into());
        }
        let plan = rows.iter().find_map(|(_, plan)| plan.clone());
        let assessments = rows.into_iter().map(|(assessment, _)| assessment).collect();
        let items = store::items_of(&self.reads, claim).await.map_err(read_failed)?;
        // As many as an answer holds; ListWorkItems has all of them.
        let whole = Check::new().page(i32::MAX, "", &[]);
        let (work_items, _) = whole.finish(&items, |item| Filter::key_of(item), events::work_item);
        Ok(Response::new(GetAssessmentResponse { assessments, plan, work_items }))
    }

    async fn list_work_items(
        &self,
        request: Request<ListWorkItemsRequest>,
    ) -> Result<Response<ListWorkItemsResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let role = check.optional_choice("role", body.role);
        let claim: Option<ClaimId> = (!body.claim_id.is_empty()).then(|| check.id("claim_id", &body.claim_id));
        let query = [body.role.to_string(), body.claim_id.clone(), body.include_closed.to_string()];
        let query = query.each_ref().map(String::as_str);
        let page = check.page(body.page_size, &body.page_token, &query).at_most(ITEMS_MAX);
        let after = Filter::key(page.after.as_deref()).unwrap_or_else(|| {
            check.add("page_token", "is not a token of this query");
            Default::default()
        });
        check.finish()?;
        let filter = Filter { role, claim, closed: body.include_closed, after };
        let items = store::work_items(&self.reads, &filter, &page).await.map_err(read_failed)?;
        let (work_items, next_page_token) = page.finish(&items, |item| Filter::key_of(item), events::work_item);
        Ok(Response::new(ListWorkItemsResponse { work_items, next_page_token }))
    }

    async fn decide_work_item(
        &self,
        request: Request<DecideWorkItemRequest>,
    ) -> Result<Response<DecideWorkItemResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let command = check::decide_work_item(body)?;
        self.lanes.call(&call, body, command).await
    }
}

/// Whether an order is one of the caller's: a system that records orders has those whose numbers begin as its role says.
fn is_own(call: &Call, order_no: &str) -> bool {
    call.actor.may_use_order(order_no, "")
}

impl From<Refusal> for chassis::Refusal {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Work(refusal) => refusal.into(),
            Refusal::OwnClaim => Self::forbidden("OWN_CLAIM", &message),
            Refusal::TooLarge => Self::new(Code::FailedPrecondition, "CLAIM_TOO_LARGE", &message),
            Refusal::PlanInvalid(misfits) => {
                let refusal = Self::new(Code::FailedPrecondition, "PLAN_INVALID", &message);
                misfits.into_iter().fold(refusal, |refusal, (line, why)| {
                    let subject = if line == 0 { "claim".to_owned() } else { format!("line {line}") };
                    refusal.precondition("PLAN_INVALID", &subject, why)
                })
            }
        }
    }
}
