//! The gRPC edge: request to command, row to reply, refusal to status.

mod lists;

use std::sync::Arc;

use chassis::{Call, Check, Lanes, Refusal, read_failed};
use proto::customer;
use proto::orchestrator::orchestrator_service_server::OrchestratorService;
use proto::orchestrator::{
    ConfirmSettlementRequest, ConfirmSettlementResponse, GetEntitlementRequest, GetEntitlementResponse,
    GetProcessRequest, GetProcessResponse, GetTimelineRequest, GetTimelineResponse, ListProcessesRequest,
    ListProcessesResponse, ListSettlementsRequest, ListSettlementsResponse,
};
use proto::policy::Packs;
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};

use crate::command::Command;
use crate::handle::Handle;
use crate::settlement;
use crate::store::reads;
use crate::wire;

/// The server of `OrchestratorService`.
pub struct Api {
    /// The lanes, for what changes something.
    pub lanes: Lanes<Handle>,
    /// The pool, for what only reads.
    pub reads: PgPool,
    /// The versions of the policy pack, by which a claim's is named.
    pub packs: Arc<Packs>,
}

#[tonic::async_trait]
impl OrchestratorService for Api {
    async fn get_process(&self, request: Request<GetProcessRequest>) -> Result<Response<GetProcessResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        let mut check = Check::new();
        let claim = check.uuid("claim_id", &body.claim_id);
        check.finish()?;
        lists::own(&self.reads, &call, claim).await?;
        let stored = reads::process(&self.reads, claim).await.map_err(read_failed)?;
        let stored = stored.ok_or_else(|| Refusal::not_found("claim", claim))?;
        let settlements = reads::settlements(&self.reads, Some(claim), 0, None, None, lists::SETTLEMENTS_MAX).await;
        let settlements = settlements.map_err(read_failed)?;
        let policy = self.packs.label(stored.case.submitted.policy_version);
        let mut process = wire::process(claim, &stored, &settlements, policy);
        if call.actor.customer.is_some() {
            process = customer::process(&process);
        }
        Ok(Response::new(GetProcessResponse { process: Some(process) }))
    }

    async fn list_processes(
        &self,
        request: Request<ListProcessesRequest>,
    ) -> Result<Response<ListProcessesResponse>, Status> {
        lists::processes(&self.reads, &Call::of(&request), request.get_ref()).await.map(Response::new)
    }

    async fn get_timeline(
        &self,
        request: Request<GetTimelineRequest>,
    ) -> Result<Response<GetTimelineResponse>, Status> {
        lists::timeline(&self.reads, &Call::of(&request), request.get_ref()).await.map(Response::new)
    }

    async fn list_settlements(
        &self,
        request: Request<ListSettlementsRequest>,
    ) -> Result<Response<ListSettlementsResponse>, Status> {
        lists::settlements(&self.reads, &Call::of(&request), request.get_ref()).await.map(Response::new)
    }

    async fn confirm_settlement(
        &self,
        request: Request<ConfirmSettlementRequest>,
    ) -> Result<Response<ConfirmSettlementResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let settlement_id = check.uuid("settlement_id", &body.settlement_id);
        let reference = check.code("reference", &body.reference, usize::from(body.paid)..=64);
        let failure = check.text("failure", &body.failure, 0..=500);
        if body.paid && !failure.is_empty() {
            check.add("failure", "must be empty when it was paid");
        }
        if !body.paid && failure.is_empty() {
            check.add("paid", "is false, and failure does not say why");
        }
        let credit_note = check.code("credit_note", &body.credit_note, 0..=64);
        let said = if body.paid {
            let amount = check.money("amount", body.amount.as_ref());
            let (amount, currency) = (amount.minor_units, amount.currency);
            settlement::Command::ConfirmPaid { amount, currency, reference, credit_note }
        } else {
            settlement::Command::ConfirmFailed { reference, failure }
        };
        check.finish()?;
        let command = Command::ConfirmSettlement { settlement_id, said };
        self.lanes.call(&call, body, command).await
    }

    async fn get_entitlement(
        &self,
        request: Request<GetEntitlementRequest>,
    ) -> Result<Response<GetEntitlementResponse>, Status> {
        let body = request.get_ref();
        let mut check = Check::new();
        let order_no = check.spelled("order_no", &body.order_no, 1..=64);
        let sku = check.spelled("sku", &body.sku, 1..=64);
        let line_id = check.spelled("line_id", &body.line_id, 0..=64);
        check.finish()?;
        let mut ledgers = reads::entitlement(&self.reads, &order_no, &sku, &line_id).await.map_err(read_failed)?;
        // What is another system's is as absent as what never was (SR9).
        let actor = Call::of(&request).actor;
        ledgers.retain(|ledger| actor.may_use_order(&order_no, &ledger.sale.currency));
        let found = wire::entitlement(&ledgers);
        Ok(Response::new(found.ok_or_else(|| Refusal::not_found("order_line", format!("{order_no}/{sku}")))?))
    }
}

impl From<settlement::Refusal> for Refusal {
    fn from(refusal: settlement::Refusal) -> Self {
        Self::new(Code::FailedPrecondition, refusal.reason(), &refusal.to_string())
    }
}
