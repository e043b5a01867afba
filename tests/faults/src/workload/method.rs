//! The methods the workload calls: which request goes where, and which of them change something.

use prost::Message;
use proto::{escalation, intake, inventory, logistics, orchestrator, triage};
use serde::Serialize;

/// A request, and where it goes.
pub trait Method: Message + Clone + Serialize + 'static {
    /// What is answered.
    type Reply: Message + Default + Serialize + 'static;
    /// The service, as `intake`.
    const SERVICE: &'static str;
    /// The method, as `SubmitClaim`.
    const NAME: &'static str;
    /// The path of the method.
    const PATH: &'static str;
}

/// A request that changes something: it has a request id.
pub trait Mutation: Method {
    /// The idempotency key.
    fn request_id(&self) -> &str;
}

macro_rules! methods {
    ($package:ident, $service:literal, $full:literal, $($name:literal: $request:ident => $reply:ident),+ $(,)?) => {
        $(impl Method for $package::$request {
            type Reply = $package::$reply;
            const SERVICE: &'static str = $service;
            const NAME: &'static str = $name;
            const PATH: &'static str = concat!("/", $full, "/", $name);
        })+
    };
}

macro_rules! mutations {
    ($($package:ident::$request:ident),+ $(,)?) => {
        $(impl Mutation for $package::$request {
            fn request_id(&self) -> &str {
                &self.request_id
            }
        })+
    };
}

methods!(intake, "intake", "redress.intake.v1.IntakeService",
    "SubmitClaim": SubmitClaimRequest => SubmitClaimResponse,
    "ListClaims": ListClaimsRequest => ListClaimsResponse,
    "ConfirmReadBack": ConfirmReadBackRequest => ConfirmReadBackResponse,
    "AddEvidence": AddEvidenceRequest => AddEvidenceResponse,
    "AnswerQuestion": AnswerQuestionRequest => AnswerQuestionResponse,
    "WithdrawClaim": WithdrawClaimRequest => WithdrawClaimResponse,
    "AnswerPlan": AnswerPlanRequest => AnswerPlanResponse,
    "AnswerFollowUp": AnswerFollowUpRequest => AnswerFollowUpResponse,
);
methods!(triage, "triage", "redress.triage.v1.TriageService",
    "RecordOrders": RecordOrdersRequest => RecordOrdersResponse,
    "ListWorkItems": ListWorkItemsRequest => ListWorkItemsResponse,
    "DecideWorkItem": DecideWorkItemRequest => DecideWorkItemResponse,
);
methods!(inventory, "inventory", "redress.inventory.v1.InventoryService",
    "RegisterSkus": RegisterSkusRequest => RegisterSkusResponse,
    "RegisterWarehouse": RegisterWarehouseRequest => RegisterWarehouseResponse,
    "ReceiveGoods": ReceiveGoodsRequest => ReceiveGoodsResponse,
    "AdjustStock": AdjustStockRequest => AdjustStockResponse,
    "GetAvailability": GetAvailabilityRequest => GetAvailabilityResponse,
    "ListReturns": ListReturnsRequest => ListReturnsResponse,
    "ReceiveReturn": ReceiveReturnRequest => ReceiveReturnResponse,
    "DisposeReturn": DisposeReturnRequest => DisposeReturnResponse,
);
methods!(logistics, "logistics", "redress.logistics.v1.LogisticsService",
    "ListShipments": ListShipmentsRequest => ListShipmentsResponse,
    "ReportTracking": ReportTrackingRequest => ReportTrackingResponse,
);
methods!(escalation, "escalation", "redress.escalation.v1.EscalationService",
    "ListWorkItems": ListWorkItemsRequest => ListWorkItemsResponse,
    "DecideWorkItem": DecideWorkItemRequest => DecideWorkItemResponse,
);
methods!(orchestrator, "orchestrator", "redress.orchestrator.v1.OrchestratorService",
    "ListProcesses": ListProcessesRequest => ListProcessesResponse,
    "ListSettlements": ListSettlementsRequest => ListSettlementsResponse,
    "ConfirmSettlement": ConfirmSettlementRequest => ConfirmSettlementResponse,
);

mutations!(
    intake::SubmitClaimRequest,
    intake::ConfirmReadBackRequest,
    intake::AddEvidenceRequest,
    intake::AnswerQuestionRequest,
    intake::WithdrawClaimRequest,
    intake::AnswerPlanRequest,
    intake::AnswerFollowUpRequest,
    triage::RecordOrdersRequest,
    triage::DecideWorkItemRequest,
    inventory::RegisterSkusRequest,
    inventory::RegisterWarehouseRequest,
    inventory::ReceiveGoodsRequest,
    inventory::AdjustStockRequest,
    inventory::ReceiveReturnRequest,
    inventory::DisposeReturnRequest,
    logistics::ReportTrackingRequest,
    escalation::DecideWorkItemRequest,
    orchestrator::ConfirmSettlementRequest,
);
