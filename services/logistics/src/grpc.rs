//! Calls, given to the noun that each is about: it reads the request, and what changes goes through a lane.

use chassis::{Call, Clock, Lanes};
use proto::logistics::logistics_service_server::LogisticsService;
use proto::logistics::{
    ConfirmBookingRequest, ConfirmBookingResponse, GetShipmentRequest, GetShipmentResponse, ListShipmentsRequest,
    ListShipmentsResponse, QuoteShipmentRequest, QuoteShipmentResponse, ReportTrackingBatchRequest,
    ReportTrackingBatchResponse, ReportTrackingRequest, ReportTrackingResponse,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::handle::Handle;
use crate::shipment::calls as parcels;
use crate::shipment::rules::Rules;

/// The service as its callers see it.
pub struct Api {
    /// Where commands go.
    pub lanes: Lanes<Handle>,
    /// For reads.
    pub reads: PgPool,
    /// The rules of the policy pack.
    pub rules: Rules,
    /// Says which version is in force.
    pub clock: Clock,
}

#[tonic::async_trait]
impl LogisticsService for Api {
    async fn quote_shipment(
        &self,
        request: Request<QuoteShipmentRequest>,
    ) -> Result<Response<QuoteShipmentResponse>, Status> {
        // Who asks what a parcel costs has no claim: it is today's price.
        parcels::quote(&self.rules.carriers.in_force(self.clock.now()).rules, request.get_ref())
    }

    async fn get_shipment(
        &self,
        request: Request<GetShipmentRequest>,
    ) -> Result<Response<GetShipmentResponse>, Status> {
        parcels::get(&self.reads, &Call::of(&request), request.get_ref()).await
    }

    async fn list_shipments(
        &self,
        request: Request<ListShipmentsRequest>,
    ) -> Result<Response<ListShipmentsResponse>, Status> {
        parcels::list(&self.reads, &Call::of(&request), request.get_ref()).await
    }

    async fn report_tracking(
        &self,
        request: Request<ReportTrackingRequest>,
    ) -> Result<Response<ReportTrackingResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, parcels::report(body)?.into()).await
    }

    async fn report_tracking_batch(
        &self,
        request: Request<ReportTrackingBatchRequest>,
    ) -> Result<Response<ReportTrackingBatchResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, parcels::report_many(body)?.into()).await
    }

    async fn confirm_booking(
        &self,
        request: Request<ConfirmBookingRequest>,
    ) -> Result<Response<ConfirmBookingResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, parcels::confirm(body)?.into()).await
    }
}
