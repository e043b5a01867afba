//! The methods the workload calls: which request goes where, and which of them change something.

use prost::Message;
use proto::{escalation, intake, inventory, logistics, orchestrator, triage};
use serde::Serialize;

/// Rows of a page: as many as a service gives.
const PAGE: i32 = 500;

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

/// A request for a list, which comes page by page.
pub trait Listing: Method {
    /// What is listed.
    type Row;
    /// Asks for this page; empty: for the first.
    fn turn_to(&mut self, page_token: String);
    /// What is on a page, and the token of the next one; empty: it is the last.
    fn rows(page: Self::Reply) -> (Vec<Self::Row>, String);
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

macro_rules! listings {
    ($($package:ident::$request:ident => $field:ident: $row:ident),+ $(,)?) => {
        $(impl Listing for $package::$request {
            type Row = $package::$row;

            fn turn_to(&mut self, page_token: String) {
                (self.page_size, self.page_token) = (PAGE, page_token);
            }

            fn rows(page: Self::Reply) -> (Vec<Self::Row>, String) {
                (page.$field, page.next_page_token)
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
    "MarkDuplicate": MarkDuplicateRequest => MarkDuplicateResponse,
    "LogContact": LogContactRequest => LogContactResponse,
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
    "ReportTrackingBatch": ReportTrackingBatchRequest => ReportTrackingBatchResponse,
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
    intake::MarkDuplicateRequest,
    intake::LogContactRequest,
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
    logistics::ReportTrackingBatchRequest,
    escalation::DecideWorkItemRequest,
    orchestrator::ConfirmSettlementRequest,
);

listings!(
    intake::ListClaimsRequest => claims: Claim,
    triage::ListWorkItemsRequest => work_items: WorkItem,
    inventory::ListReturnsRequest => returns: Return,
    logistics::ListShipmentsRequest => shipments: Shipment,
    escalation::ListWorkItemsRequest => work_items: WorkItem,
    orchestrator::ListProcessesRequest => processes: Process,
    orchestrator::ListSettlementsRequest => settlements: Settlement,
);
