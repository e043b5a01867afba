//! The gRPC edge: lists for people, and what they decide.

use chassis::{Call, Check, Lanes, read_failed, work};
use jiff::Timestamp;
use proto::escalation::escalation_service_server::EscalationService;
use proto::escalation::{
    DecideWorkItemRequest, DecideWorkItemResponse, ListClocksRequest, ListClocksResponse, ListEscalationsRequest,
    ListEscalationsResponse, ListWorkItemsRequest, ListWorkItemsResponse,
};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::domain::{self, Refusal, Ruling, WorkKind};
use crate::events::Command;
use crate::handle::Handle;
use crate::store::{self, Filter};
use crate::wire;

/// The service.
pub struct Api {
    /// How anything changes.
    pub lanes: Lanes<Handle>,
    /// For lists.
    pub reads: PgPool,
}

#[tonic::async_trait]
impl EscalationService for Api {
    async fn list_clocks(&self, request: Request<ListClocksRequest>) -> Result<Response<ListClocksResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let claim = check.uuid("claim_id", &body.claim_id);
        let page = check.page(body.page_size, &body.page_token, &["clocks", &body.claim_id]);
        let last = page.key::<u32>(&mut check);
        check.finish()?;
        let clocks = store::clocks_of(&self.reads, claim).await.map_err(read_failed)?;
        // The clocks of one claim are few and only ever added to: their place is the key.
        let seen = last.map_or(0, |place| usize::try_from(place).unwrap_or(usize::MAX).saturating_add(1));
        let rows: Vec<_> =
            clocks.iter().enumerate().skip(seen).take(usize::try_from(page.limit).unwrap_or(0)).collect();
        let (clocks, next_page_token) =
            page.finish(rows, |(place, _)| place.to_string(), |(_, clock)| wire::clock(claim, clock));
        Ok(Response::new(ListClocksResponse { clocks, next_page_token }))
    }

    async fn list_escalations(
        &self,
        request: Request<ListEscalationsRequest>,
    ) -> Result<Response<ListEscalationsResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let claim = optional_claim(&mut check, &body.claim_id);
        let page = check.page(body.page_size, &body.page_token, &["escalations", &body.claim_id]);
        let after = after(&mut check, page.after.as_deref());
        check.finish()?;
        let rows = store::escalations(&self.reads, claim, after, page.limit).await.map_err(read_failed)?;
        let wire = |(claim, row): &(_, _)| wire::escalation(*claim, row);
        let (escalations, next_page_token) = page.finish(&rows, |(_, row)| key(row.raised_at, row.id), wire);
        Ok(Response::new(ListEscalationsResponse { escalations, next_page_token }))
    }

    async fn list_work_items(
        &self,
        request: Request<ListWorkItemsRequest>,
    ) -> Result<Response<ListWorkItemsResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let claim = optional_claim(&mut check, &body.claim_id);
        let role = check.optional_choice("role", body.role);
        let kind = check.optional_choice("kind", body.kind);
        let (asked_role, asked_kind) = (body.role.to_string(), body.kind.to_string());
        let query =
            ["work_items", &body.claim_id, &asked_role, &asked_kind, if body.include_closed { "all" } else { "open" }];
        let page = check.page(body.page_size, &body.page_token, &query);
        let after = after(&mut check, page.after.as_deref());
        check.finish()?;
        let filter = Filter { claim, role, kind, closed: body.include_closed };
        let rows = store::work_items(&self.reads, filter, after, page.limit).await.map_err(read_failed)?;
        let (work_items, next_page_token) = page.finish(
            rows,
            |row| key(row.item.work.due_at, row.item.work.id),
            |row| wire::item(row.claim, row.number, &row.item, row.plan),
        );
        Ok(Response::new(ListWorkItemsResponse { work_items, next_page_token }))
    }

    async fn decide_work_item(
        &self,
        request: Request<DecideWorkItemRequest>,
    ) -> Result<Response<DecideWorkItemResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let item = check.uuid("work_item_id", &body.work_item_id);
        let etag = check.text("etag", &body.etag, 3..=22);
        let ruling: Ruling = check.choice("ruling", body.ruling);
        let note = check.note("note", &body.note, 0..=1_000);
        check.finish()?;
        let found = store::routing(&self.reads, item).await.map_err(read_failed)?;
        let (claim, kind) = found.ok_or_else(|| chassis::Refusal::from(work::Refusal::Unknown(item)))?;
        fitting(kind, ruling)?;
        let what = domain::Command::DecideWorkItem { item, etag, ruling, note };
        let command = Command { claim, number: None, policy_version: 0, what };
        self.lanes.call(&call, body, command).await
    }
}

/// A ruling that answers what is asked. The kind of a work item never changes, so this is a matter of form.
fn fitting(kind: WorkKind, ruling: Ruling) -> Result<(), Status> {
    let mut check = Check::new();
    if !domain::fits(ruling, kind) {
        check.add("ruling", "does not fit this kind of work item");
    }
    check.finish()
}

fn optional_claim(check: &mut Check, claim: &str) -> Option<Uuid> {
    (!claim.is_empty()).then(|| check.uuid("claim_id", claim))
}

/// The key of a row in a list: its time and its id.
fn key(at: Timestamp, id: Uuid) -> String {
    format!("{}/{id}", at.as_microsecond())
}

fn after(check: &mut Check, key: Option<&str>) -> Option<(Timestamp, Uuid)> {
    let key = key?;
    let read = key
        .split_once('/')
        .and_then(|(at, id)| Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, proto::ids::parse(id).ok()?)))
        // What the database cannot keep is no key of a row.
        .filter(|(at, _)| proto::from_wire(&proto::to_wire(*at)).is_some());
    if read.is_none() {
        check.add("page_token", "is not a token of this query");
    }
    read
}

impl From<Refusal> for chassis::Refusal {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Work(refusal) => refusal.into(),
            Refusal::OwnProposal => Self::forbidden("OWN_PROPOSAL", &text),
            Refusal::OwnClaim => Self::forbidden("OWN_CLAIM", &text),
            Refusal::AlreadyApproved => Self::forbidden("ALREADY_APPROVED", &text),
            Refusal::TriedTooOften => Self::new(Code::FailedPrecondition, "CLAIM_TOO_LARGE", &text),
            Refusal::RulingUnfit => Self::new(Code::InvalidArgument, "MALFORMED", &text),
            // No correct sender changes a plan without a new number.
            Refusal::SnapshotChanged(_) => Self::park(text),
        }
    }
}
