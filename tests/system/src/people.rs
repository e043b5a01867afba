//! The people and systems around Redress: warehouse, carrier, finance, and those who decide.

use proto::claim::{Resolution, ReturnCount};
use proto::escalation::{Ruling, WorkItem, WorkKind};
use proto::inventory::{
    GetAvailabilityRequest, GoodsLine, ReceiveGoodsRequest, ReceiveReturnRequest, RegisterSkusRequest,
    RegisterWarehouseRequest, Return, Sku, Zone,
};
use proto::logistics::{
    Direction, ListShipmentsRequest, ReportTrackingRequest, Shipment, ShipmentState, TrackingEvent,
};
use proto::orchestrator::{ConfirmSettlementRequest, ListSettlementsRequest, Settlement, SettlementState};
use proto::{escalation, inventory, triage};
use testkit::{actor, eventually, request_id};
use tonic::Status;

use crate::World;

impl World {
    pub(crate) async fn open_warehouse(&self) {
        let warehouse = RegisterWarehouseRequest {
            request_id: request_id(),
            warehouse: "MAIN".to_owned(),
            country: "GB".to_owned(),
            custodian: String::new(),
        };
        self.inventory().await.register_warehouse(warehouse).await.expect("a warehouse is registered");
    }

    /// Goods arrive.
    pub async fn stock(&self, sku: &str, quantity: u32) {
        let skus = vec![Sku { sku: sku.to_owned(), description: String::new() }];
        let register = RegisterSkusRequest { request_id: request_id(), skus };
        self.inventory().await.register_skus(register).await.expect("the SKU is registered");
        if quantity == 0 {
            return;
        }
        let receive = ReceiveGoodsRequest {
            request_id: request_id(),
            warehouse: "MAIN".to_owned(),
            zone: Zone::Qualified.into(),
            document: String::new(),
            lines: vec![GoodsLine { sku: sku.to_owned(), batch: String::new(), quantity }],
        };
        self.inventory().await.receive_goods(receive).await.expect("goods are received");
    }

    /// Units available, and units that reservations still wait for.
    pub async fn available(&self, sku: &str) -> (u64, u64) {
        let ask = GetAvailabilityRequest { sku: sku.to_owned(), batch: String::new() };
        let stock = self.inventory().await.get_availability(ask).await.expect("the SKU is known").into_inner();
        (stock.available, stock.back_ordered)
    }

    /// The newest shipment or pick-up of a claim.
    pub async fn shipment(&self, claim: &str, direction: Direction) -> Shipment {
        eventually(async || {
            let ask = ListShipmentsRequest {
                claim_id: claim.to_owned(),
                direction: direction.into(),
                ..ListShipmentsRequest::default()
            };
            self.logistics().await.list_shipments(ask).await.ok()?.into_inner().shipments.pop()
        })
        .await
    }

    /// The carrier tells that the newest shipment or pick-up of a claim is in a state.
    pub async fn carrier(&self, claim: &str, direction: Direction, state: ShipmentState) {
        let shipment = self.shipment(claim, direction).await;
        let event = TrackingEvent {
            carrier_event_id: format!("{}-{}", shipment.tracking_no, state.as_str_name()),
            state: state.into(),
            occurred_at: Some(proto::to_wire(self.clock.now())),
            detail: "HUB-7".to_owned(),
            ..TrackingEvent::default()
        };
        let report =
            ReportTrackingRequest { request_id: request_id(), tracking_no: shipment.tracking_no, event: Some(event) };
        self.logistics().await.report_tracking(report).await.expect("the event is taken");
    }

    /// A parcel goes all the way.
    pub async fn deliver(&self, claim: &str, direction: Direction) {
        for state in [ShipmentState::HandedOver, ShipmentState::InTransit, ShipmentState::Delivered] {
            self.carrier(claim, direction, state).await;
        }
    }

    /// The newest return of a claim.
    pub async fn expected_return(&self, claim: &str) -> Return {
        eventually(async || {
            let ask = inventory::ListReturnsRequest {
                claim_id: claim.to_owned(),
                ..inventory::ListReturnsRequest::default()
            };
            self.inventory().await.list_returns(ask).await.ok()?.into_inner().returns.pop()
        })
        .await
    }

    /// The warehouse counts what came back.
    pub async fn count(&self, claim: &str, accepted: u32, damaged: u32, wrong_item: u32, last: bool) -> ReturnCount {
        let job = self.expected_return(claim).await.job;
        let receipt = ReceiveReturnRequest {
            request_id: request_id(),
            job,
            etag: String::new(),
            warehouse: "MAIN".to_owned(),
            accepted,
            damaged,
            wrong_item,
            last,
            ..ReceiveReturnRequest::default()
        };
        let counted = self.inventory().await.receive_return(receipt).await.expect("the receipt is booked").into_inner();
        counted.goods_return.expect("the return comes back").count.expect("it has a count")
    }

    /// Settlements of a claim.
    pub async fn settlements(&self, claim: &str) -> Vec<Settlement> {
        let ask = ListSettlementsRequest { claim_id: claim.to_owned(), ..ListSettlementsRequest::default() };
        self.orchestrator().await.list_settlements(ask).await.expect("it can be listed").into_inner().settlements
    }

    /// What finance says of the open settlement of a claim, once there is one.
    pub async fn answer_of_finance(&self, claim: &str, paid: bool) -> ConfirmSettlementRequest {
        let open = eventually(async || {
            self.settlements(claim).await.into_iter().find(|row| row.state() == SettlementState::Instructed)
        })
        .await;
        ConfirmSettlementRequest {
            request_id: request_id(),
            reference: format!("PAY-{}", open.settlement_id),
            settlement_id: open.settlement_id,
            paid,
            amount: open.amount.filter(|_| paid),
            credit_note: String::new(),
            failure: if paid { String::new() } else { "the account is closed".to_owned() },
        }
    }

    /// Finance answers the open settlement of a claim, with a credit note if it was paid; gives what was paid in minor units.
    pub async fn finance(&self, claim: &str, paid: bool) -> i64 {
        let mut confirm = self.answer_of_finance(claim, paid).await;
        if paid {
            confirm.credit_note = "CN-1".to_owned();
        }
        let minor = confirm.amount.as_ref().map_or(0, |amount| amount.minor_units);
        let asked = actor(confirm, "fay", &["finance"]);
        self.orchestrator().await.confirm_settlement(asked).await.expect("finance is heard");
        minor
    }

    /// Open work items of a claim at escalation.
    pub async fn tasks(&self, claim: &str) -> Vec<WorkItem> {
        let ask = escalation::ListWorkItemsRequest {
            claim_id: claim.to_owned(),
            ..escalation::ListWorkItemsRequest::default()
        };
        self.escalation().await.list_work_items(ask).await.expect("it can be listed").into_inner().work_items
    }

    /// Waits for an open work item of a kind.
    pub async fn task(&self, claim: &str, kind: WorkKind) -> WorkItem {
        eventually(async || self.tasks(claim).await.into_iter().find(|item| item.kind() == kind)).await
    }

    /// Somebody with the right role decides a work item at escalation.
    pub async fn rule(&self, item: &WorkItem, who: &str, ruling: Ruling) -> Result<(), Status> {
        let role = item.role().word();
        let decide = escalation::DecideWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.work_item_id.clone(),
            etag: item.etag.clone(),
            ruling: ruling.into(),
            note: "as discussed".to_owned(),
        };
        self.escalation().await.decide_work_item(actor(decide, who, &[role])).await.map(drop)
    }

    /// A specialist says whether what came back, and is not as announced, counts for the claim.
    pub async fn mismatch(&self, claim: &str, reason: &str, ruling: Ruling) {
        let item = eventually(async || {
            let about = |item: &WorkItem| item.kind() == WorkKind::ReturnMismatch && item.reason == reason;
            self.tasks(claim).await.into_iter().find(about)
        })
        .await;
        self.rule(&item, "sam", ruling).await.expect("a specialist decides");
    }

    /// A work item of triage that waits for a person.
    pub async fn judgement(&self, claim: &str) -> triage::WorkItem {
        eventually(async || {
            let ask =
                triage::ListWorkItemsRequest { claim_id: claim.to_owned(), ..triage::ListWorkItemsRequest::default() };
            self.triage().await.list_work_items(ask).await.ok()?.into_inner().work_items.pop()
        })
        .await
    }

    /// A specialist judges a claim: the same resolution for every line.
    pub async fn judge(&self, claim: &str, who: &str, resolution: Resolution, reason: &str) {
        let item = self.judgement(claim).await;
        let lines = item.lines.iter().map(|line| triage::LineDecision {
            line: line.line,
            resolution: resolution.into(),
            reason: reason.to_owned(),
            ..triage::LineDecision::default()
        });
        let decide = triage::DecideWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.work_item_id.clone(),
            etag: item.etag.clone(),
            lines: lines.collect(),
            ..triage::DecideWorkItemRequest::default()
        };
        let asked = actor(decide, who, &["specialist", "supervisor", "quality"]);
        self.triage().await.decide_work_item(asked).await.expect("the decision is taken");
    }
}
