//! Calls: requests become commands, refusals become statuses.

mod lists;

use chassis::{Call, Check, Lanes};
use proto::inventory::inventory_service_server::InventoryService;
use proto::inventory::{
    AdjustStockRequest, AdjustStockResponse, DisposeReturnRequest, DisposeReturnResponse, GetAvailabilityRequest,
    GetAvailabilityResponse, ListMovementsRequest, ListMovementsResponse, ListReservationsRequest,
    ListReservationsResponse, ListReturnsRequest, ListReturnsResponse, MoveStockRequest, MoveStockResponse,
    ReceiveGoodsRequest, ReceiveGoodsResponse, ReceiveReturnRequest, ReceiveReturnResponse, RegisterSkusRequest,
    RegisterSkusResponse, RegisterWarehouseRequest, RegisterWarehouseResponse,
};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status};

use crate::domain::{Command, Disposition, GoodsLine, Place, Receipt, Refusal, Sku, Warehouse};
use crate::events::QUANTITY_MAX;
use crate::handle::Handle;
use crate::wire;

/// The service as its callers see it.
pub struct Api {
    /// Where commands go.
    pub lanes: Lanes<Handle>,
    /// For reads.
    pub reads: PgPool,
}

#[tonic::async_trait]
impl InventoryService for Api {
    async fn register_skus(
        &self,
        request: Request<RegisterSkusRequest>,
    ) -> Result<Response<RegisterSkusResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        check.count("skus", body.skus.len(), 1..=500);
        let skus = body.skus.iter().enumerate().map(|(at, sku)| Sku {
            sku: check.code(&format!("skus[{at}].sku"), &sku.sku, 1..=64),
            description: check.remark(&format!("skus[{at}].description"), &sku.description, 0..=200),
        });
        let command = Command::RegisterSkus(skus.collect());
        check.finish()?;
        self.lanes.call(&call, body, command).await
    }

    async fn register_warehouse(
        &self,
        request: Request<RegisterWarehouseRequest>,
    ) -> Result<Response<RegisterWarehouseResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let warehouse = check_warehouse(&mut check, &body.warehouse);
        if body.country.len() != 2 || !body.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            check.add("country", "must be an ISO 3166-1 code of two upper-case letters");
        }
        let custodian = check.code("custodian", &body.custodian, 0..=64);
        check.finish()?;
        let command = Command::RegisterWarehouse(Warehouse { warehouse, country: body.country.clone(), custodian });
        self.lanes.call(&call, body, command).await
    }

    async fn receive_goods(
        &self,
        request: Request<ReceiveGoodsRequest>,
    ) -> Result<Response<ReceiveGoodsResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let warehouse = check_warehouse(&mut check, &body.warehouse);
        let zone = check.choice("zone", body.zone);
        let document = check.code("document", &body.document, 0..=64);
        check.count("lines", body.lines.len(), 1..=500);
        let lines = body.lines.iter().enumerate().map(|(at, line)| GoodsLine {
            sku: check.code(&format!("lines[{at}].sku"), &line.sku, 1..=64),
            batch: check.code(&format!("lines[{at}].batch"), &line.batch, 0..=64),
            quantity: check.number(&format!("lines[{at}].quantity"), line.quantity, 1..=QUANTITY_MAX),
        });
        let lines = lines.collect();
        check.finish()?;
        own(&call, &warehouse)?;
        let command = Command::ReceiveGoods { warehouse, zone, document, lines };
        self.lanes.call(&call, body, command).await
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Result<Response<AdjustStockResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let place = Place {
            warehouse: check_warehouse(&mut check, &body.warehouse),
            zone: check.choice("zone", body.zone),
            sku: check.code("sku", &body.sku, 1..=64),
            batch: check.code("batch", &body.batch, 0..=64),
        };
        let most = i64::from(QUANTITY_MAX);
        let delta = check.number("delta", body.delta, -most..=most);
        if delta == 0 {
            check.add("delta", "must not be 0");
        }
        let reason = check.remark("reason", &body.reason, 1..=200);
        check.finish()?;
        let command = Command::AdjustStock { place, delta, reason };
        self.lanes.call(&call, body, command).await
    }

    async fn move_stock(&self, request: Request<MoveStockRequest>) -> Result<Response<MoveStockResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let from = Place {
            warehouse: check_warehouse(&mut check, &body.warehouse),
            zone: check.choice("from_zone", body.from_zone),
            sku: check.code("sku", &body.sku, 1..=64),
            batch: check.code("batch", &body.batch, 0..=64),
        };
        let to = check.choice("to_zone", body.to_zone);
        if body.from_zone == body.to_zone {
            check.add("to_zone", "must be another zone than from_zone");
        }
        let quantity = check.number("quantity", body.quantity, 1..=QUANTITY_MAX);
        let reason = check.remark("reason", &body.reason, 1..=200);
        check.finish()?;
        let command = Command::MoveStock { from, to, quantity, reason };
        self.lanes.call(&call, body, command).await
    }

    async fn get_availability(
        &self,
        request: Request<GetAvailabilityRequest>,
    ) -> Result<Response<GetAvailabilityResponse>, Status> {
        lists::availability(self, &Call::of(&request), request.get_ref()).await.map(Response::new)
    }

    async fn list_movements(
        &self,
        request: Request<ListMovementsRequest>,
    ) -> Result<Response<ListMovementsResponse>, Status> {
        lists::movements(self, request.get_ref()).await.map(Response::new)
    }

    async fn list_reservations(
        &self,
        request: Request<ListReservationsRequest>,
    ) -> Result<Response<ListReservationsResponse>, Status> {
        lists::reservations(self, request.get_ref()).await.map(Response::new)
    }

    async fn list_returns(
        &self,
        request: Request<ListReturnsRequest>,
    ) -> Result<Response<ListReturnsResponse>, Status> {
        lists::returns(self, request.get_ref()).await.map(Response::new)
    }

    async fn receive_return(
        &self,
        request: Request<ReceiveReturnRequest>,
    ) -> Result<Response<ReceiveReturnResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let job = check.job("job", body.job.as_ref());
        check.text("etag", &body.etag, 0..=24);
        let receipt = Receipt {
            warehouse: check_warehouse(&mut check, &body.warehouse),
            accepted: check.number("accepted", body.accepted, 0..=QUANTITY_MAX),
            damaged: check.number("damaged", body.damaged, 0..=QUANTITY_MAX),
            wrong_item: check.number("wrong_item", body.wrong_item, 0..=QUANTITY_MAX),
            unsalable: check.number("unsalable", body.unsalable, 0..=QUANTITY_MAX),
            not_as_claimed: check.number("not_as_claimed", body.not_as_claimed, 0..=QUANTITY_MAX),
            other_sku: check.code("other_sku", &body.other_sku, 0..=64),
            last: body.last,
        };
        if !receipt.other_sku.is_empty() && receipt.wrong_item == 0 {
            check.add("wrong_item", "must not be 0: other_sku names its article");
        }
        if receipt.units() == 0 && !receipt.last {
            check.add("accepted", "a receipt of nothing must be the last one");
        }
        check.finish()?;
        own(&call, &receipt.warehouse)?;
        let command = Command::ReceiveReturn { job, version: wire::version(&body.etag), receipt };
        self.lanes.call(&call, body, command).await
    }

    async fn dispose_return(
        &self,
        request: Request<DisposeReturnRequest>,
    ) -> Result<Response<DisposeReturnResponse>, Status> {
        let call = Call::of(&request);
        let body = request.get_ref();
        let mut check = Check::new();
        check.request_id(&body.request_id);
        let job = check.job("job", body.job.as_ref());
        let quantity = check.number("quantity", body.quantity, 1..=QUANTITY_MAX);
        let disposition = check.choice("disposition", body.disposition);
        let other_sku = check.code("other_sku", &body.other_sku, 0..=64);
        if !other_sku.is_empty() && disposition != Disposition::Restock {
            check.add("other_sku", "is where goods are restocked: only with RESTOCK");
        }
        check.finish()?;
        let command = Command::DisposeReturn { job, quantity, disposition, other_sku };
        self.lanes.call(&call, body, command).await
    }
}

/// Refuses another warehouse than the caller's as one that is not there (SR9).
fn own(call: &Call, warehouse: &str) -> Result<(), Status> {
    let unknown = || chassis::Refusal::from(Refusal::UnknownWarehouse(warehouse.to_owned()));
    if call.actor.may_use_warehouse(warehouse) { Ok(()) } else { Err(unknown().into()) }
}

fn check_warehouse(check: &mut Check, value: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=32).contains(&value.len()) || !value.bytes().all(fits) {
        check.add("warehouse", "must have 1 to 32 characters of A-Z, 0-9 and hyphen");
    }
    value.to_owned()
}

impl From<Refusal> for chassis::Refusal {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        let precondition = |reason: &str| Self::new(Code::FailedPrecondition, reason, &text);
        let unknown = |reason: &str| Self::new(Code::NotFound, reason, &text).lacking();
        match refusal {
            Refusal::UnknownSku(sku) => unknown("UNKNOWN_SKU").with("sku", sku),
            Refusal::UnknownWarehouse(warehouse) => unknown("UNKNOWN_WAREHOUSE").with("warehouse", warehouse),
            Refusal::NoCustodian(warehouse) => precondition("NO_CUSTODIAN").lacking().with("warehouse", warehouse),
            Refusal::DocumentReused(document) => precondition("DOCUMENT_REUSED").with("document", document),
            Refusal::OutOfStock { free } => precondition("OUT_OF_STOCK").with("free", free),
            Refusal::NoSuchReturn(job) => Self::not_found("return", job),
            Refusal::ReturnChanged => Self::etag_mismatch(),
            Refusal::ReturnClosed(state) => precondition("RETURN_CLOSED").with("state", state.word()),
            Refusal::TooManyReceipts => precondition("CLAIM_TOO_LARGE"),
            Refusal::NothingToDispose { waiting } => precondition("NOTHING_TO_DISPOSE").with("waiting", waiting),
            Refusal::PolicyUnknown(unknown) => unknown.into(),
            Refusal::Broken(why) => Self::park(why),
        }
    }
}
