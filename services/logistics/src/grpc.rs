//! Calls, given to the noun that each is about: it reads the request, and what changes goes through a lane.

use chassis::{Call, Clock, Lanes};
use proto::logistics::logistics_service_server::LogisticsService;
use proto::logistics::{
    AppointVisitRequest, AppointVisitResponse, CancelVisitRequest, CancelVisitResponse, ConfirmBookingRequest,
    ConfirmBookingResponse, GetShipmentRequest, GetShipmentResponse, GetVisitRequest, GetVisitResponse,
    ListShipmentsRequest, ListShipmentsResponse, ListTechniciansRequest, ListTechniciansResponse, ListVisitsRequest,
    ListVisitsResponse, ProposeVisitRequest, ProposeVisitResponse, QuoteShipmentRequest, QuoteShipmentResponse,
    RecordTechniciansRequest, RecordTechniciansResponse, ReportTrackingBatchRequest, ReportTrackingBatchResponse,
    ReportTrackingRequest, ReportTrackingResponse, ReportVisitRequest, ReportVisitResponse,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::handle::Handle;
use crate::shipment::calls as parcels;
use crate::visit::calls as visits;
use crate::{shipment, visit};

/// The service as its callers see it.
pub struct Api {
    /// Where commands go.
    pub lanes: Lanes<Handle>,
    /// For reads.
    pub reads: PgPool,
    /// The rules of the policy pack about parcels.
    pub shipments: shipment::rules::Rules,
    /// The rules of the policy pack about visits.
    pub visits: visit::rules::Rules,
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
        parcels::quote(&self.shipments.carriers.in_force(self.clock.now()).rules, request.get_ref())
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

    async fn record_technicians(
        &self,
        request: Request<RecordTechniciansRequest>,
    ) -> Result<Response<RecordTechniciansResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, visits::record(body)?.into()).await
    }

    async fn propose_visit(
        &self,
        request: Request<ProposeVisitRequest>,
    ) -> Result<Response<ProposeVisitResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, visits::propose(body)?.into()).await
    }

    async fn appoint_visit(
        &self,
        request: Request<AppointVisitRequest>,
    ) -> Result<Response<AppointVisitResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, visits::appoint(body)?.into()).await
    }

    async fn report_visit(
        &self,
        request: Request<ReportVisitRequest>,
    ) -> Result<Response<ReportVisitResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, visits::report(body)?.into()).await
    }

    async fn cancel_visit(
        &self,
        request: Request<CancelVisitRequest>,
    ) -> Result<Response<CancelVisitResponse>, Status> {
        let body = request.get_ref();
        self.lanes.call(&Call::of(&request), body, visits::cancel(body)?.into()).await
    }

    async fn list_technicians(
        &self,
        request: Request<ListTechniciansRequest>,
    ) -> Result<Response<ListTechniciansResponse>, Status> {
        visits::technicians(&self.reads, request.get_ref()).await
    }

    async fn get_visit(&self, request: Request<GetVisitRequest>) -> Result<Response<GetVisitResponse>, Status> {
        visits::get(&self.reads, &self.visits, request.get_ref()).await
    }

    async fn list_visits(&self, request: Request<ListVisitsRequest>) -> Result<Response<ListVisitsResponse>, Status> {
        visits::list(&self.reads, &self.visits, request.get_ref()).await
    }
}
