//! The service as the contract has it. What a call does is in the folder of its noun.

use chassis::{Call, Lanes};
use proto::inventory::inventory_service_server::InventoryService;
use proto::inventory::{
    AdjustStockRequest, AdjustStockResponse, DisposeReturnRequest, DisposeReturnResponse, GetAvailabilityRequest,
    GetAvailabilityResponse, ListMovementsRequest, ListMovementsResponse, ListReservationsRequest,
    ListReservationsResponse, ListReturnsRequest, ListReturnsResponse, MoveStockRequest, MoveStockResponse,
    ReceiveGoodsRequest, ReceiveGoodsResponse, ReceiveReturnRequest, ReceiveReturnResponse, RegisterSkusRequest,
    RegisterSkusResponse, RegisterWarehouseRequest, RegisterWarehouseResponse,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::handle::Handle;
use crate::{reservation, returns, stock};

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
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, stock::calls::register_skus(body)?.into()).await
    }

    async fn register_warehouse(
        &self,
        request: Request<RegisterWarehouseRequest>,
    ) -> Result<Response<RegisterWarehouseResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, stock::calls::register_warehouse(body)?.into()).await
    }

    async fn receive_goods(
        &self,
        request: Request<ReceiveGoodsRequest>,
    ) -> Result<Response<ReceiveGoodsResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, stock::calls::receive_goods(&call, body)?.into()).await
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Result<Response<AdjustStockResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, stock::calls::adjust_stock(body)?.into()).await
    }

    async fn move_stock(&self, request: Request<MoveStockRequest>) -> Result<Response<MoveStockResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, stock::calls::move_stock(body)?.into()).await
    }

    async fn receive_return(
        &self,
        request: Request<ReceiveReturnRequest>,
    ) -> Result<Response<ReceiveReturnResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, returns::calls::receive_return(&call, body)?.into()).await
    }

    async fn dispose_return(
        &self,
        request: Request<DisposeReturnRequest>,
    ) -> Result<Response<DisposeReturnResponse>, Status> {
        let (call, body) = (Call::of(&request), request.get_ref());
        self.lanes.call(&call, body, returns::calls::dispose_return(body)?.into()).await
    }

    async fn get_availability(
        &self,
        request: Request<GetAvailabilityRequest>,
    ) -> Result<Response<GetAvailabilityResponse>, Status> {
        stock::calls::availability(&self.reads, &Call::of(&request), request.get_ref()).await.map(Response::new)
    }

    async fn list_movements(
        &self,
        request: Request<ListMovementsRequest>,
    ) -> Result<Response<ListMovementsResponse>, Status> {
        stock::calls::movements(&self.reads, request.get_ref()).await.map(Response::new)
    }

    async fn list_reservations(
        &self,
        request: Request<ListReservationsRequest>,
    ) -> Result<Response<ListReservationsResponse>, Status> {
        reservation::calls::list(&self.reads, request.get_ref()).await.map(Response::new)
    }

    async fn list_returns(
        &self,
        request: Request<ListReturnsRequest>,
    ) -> Result<Response<ListReturnsResponse>, Status> {
        returns::calls::list(&self.reads, request.get_ref()).await.map(Response::new)
    }
}
