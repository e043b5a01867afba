//! Calls about parcels: requests become commands, or are answered from what is stored.

use chassis::{Call, Check, Fault, read_failed};
use proto::claim::Money;
use proto::logistics::words::{Direction, ShipmentState};
use proto::logistics::{
    ConfirmBookingRequest, GetShipmentRequest, GetShipmentResponse, ListShipmentsRequest, ListShipmentsResponse,
    OpenParcel, ParcelsAnswer, ParcelsQuestion, QuoteShipmentRequest, QuoteShipmentResponse,
    ReportTrackingBatchRequest, ReportTrackingRequest,
};
use sqlx::PgPool;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use super::domain::{self, Carriers, Command, Parcel};
use super::store::{self, Filter};
use super::{check, wire};

/// More parcels than a claim has.
const PARCELS_MAX: i64 = 5_000;
/// Events of one batch.
const EVENTS_MAX: usize = 500;

/// Tells which carrier would be chosen.
pub fn quote(carriers: &Carriers, body: &QuoteShipmentRequest) -> Result<Response<QuoteShipmentResponse>, Status> {
    let mut check = Check::new();
    if !wire::is_country(&body.country) {
        check.add("country", "must be an ISO 3166-1 code of two upper-case letters");
    }
    let severity = check.optional_choice("severity", body.severity);
    let quantity = check.number("quantity", body.quantity, 1..=10_000_000);
    let direction: Direction = check.choice("direction", body.direction);
    check.finish()?;
    // A pick-up is never urgent: nobody waits for it.
    let urgent = wire::is_urgent(severity) && direction != Direction::Return;
    let parcel = Parcel { sku: String::new(), quantity, country: body.country.clone(), urgent };
    let Some((carrier, cost)) = carriers.choose(&parcel) else {
        let refusal = chassis::Refusal::new(Code::FailedPrecondition, "NO_CARRIER", "no carrier serves the place");
        return Err(refusal.with("country", &body.country).with("quantity", quantity).into());
    };
    Ok(Response::new(QuoteShipmentResponse {
        carrier: carrier.name.clone(),
        mode: carrier.mode.into(),
        cost: Some(Money { minor_units: cost, currency: carriers.currency.clone() }),
        days: carrier.days,
    }))
}

/// Reads one parcel.
pub async fn get(
    reads: &PgPool,
    call: &Call,
    body: &GetShipmentRequest,
) -> Result<Response<GetShipmentResponse>, Status> {
    let mut check = Check::new();
    let by_id = check.either(("shipment_id", &body.shipment_id), ("tracking_no", &body.tracking_no));
    let id = if by_id { check.uuid("shipment_id", &body.shipment_id) } else { Uuid::nil() };
    let tracking_no = check.token("tracking_no", &body.tracking_no, 0..=64);
    check.finish()?;
    let found = store::get(reads, id, &tracking_no).await.map_err(read_failed)?;
    let asked = if by_id { &body.shipment_id } else { &body.tracking_no };
    let found = found.filter(|(shipment, _)| shipment.is_of(call.actor.carrier()));
    let (shipment, events) = found.ok_or_else(|| chassis::Refusal::not_found("shipment", asked))?;
    let mut wire = wire::shipment(&shipment);
    wire.events = events.iter().map(wire::sighting).collect();
    Ok(Response::new(GetShipmentResponse { shipment: Some(wire) }))
}

/// Lists parcels.
pub async fn list(
    reads: &PgPool,
    call: &Call,
    body: &ListShipmentsRequest,
) -> Result<Response<ListShipmentsResponse>, Status> {
    let mut check = Check::new();
    let claim = (!body.claim_id.is_empty()).then(|| check.uuid("claim_id", &body.claim_id));
    let state: Option<ShipmentState> = check.optional_choice("state", body.state);
    let direction: Option<Direction> = check.optional_choice("direction", body.direction);
    let spelt = (state.map_or("", ShipmentState::word), direction.map_or("", Direction::word));
    let query = [body.claim_id.as_str(), spelt.0, spelt.1];
    let page = check.page(body.page_size, &body.page_token, &query);
    let after = page.after.as_ref().map(|key| check.uuid("page_token", key));
    check.finish()?;
    // A carrier lists its own parcels, whatever else is asked.
    let carrier = call.actor.carrier().map(str::to_owned);
    let filter = Filter { claim, status: state.map(domain::Status::from), direction, after, carrier };
    let rows = store::list(reads, &filter, page.limit).await.map_err(read_failed)?;
    let (shipments, next_page_token) = page.finish(&rows, |shipment| shipment.id.to_string(), wire::shipment);
    Ok(Response::new(ListShipmentsResponse { shipments, next_page_token }))
}

/// What a carrier saw.
pub fn report(body: &ReportTrackingRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let tracking_no = check.token("tracking_no", &body.tracking_no, 1..=64);
    let sighting = check::event(&mut check, "event", body.event.as_ref());
    check.finish()?;
    let Some(sighting) = sighting else { return Err(Status::internal("the event was checked")) };
    Ok(Command::Report { tracking_no, sighting })
}

/// What carriers saw of many parcels.
pub fn report_many(body: &ReportTrackingBatchRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    check.count("events", body.events.len(), 1..=EVENTS_MAX);
    let mut seen = Vec::with_capacity(body.events.len());
    for (at, parcel) in body.events.iter().enumerate() {
        let tracking_no = check.token(&format!("events[{at}].tracking_no"), &parcel.tracking_no, 1..=64);
        let sighting = check::event(&mut check, &format!("events[{at}].event"), parcel.event.as_ref());
        seen.extend(sighting.map(|sighting| (tracking_no, sighting)));
    }
    check.finish()?;
    Ok(Command::ReportMany(seen))
}

/// What the carrier says to a booking.
pub fn confirm(body: &ConfirmBookingRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let tracking_no = check.token("tracking_no", &body.tracking_no, 1..=64);
    let carrier_no = check.token("carrier_tracking_no", &body.carrier_tracking_no, 1..=64);
    let day = check.date("promised_on", &body.promised_on);
    check.finish()?;
    Ok(Command::Confirm { tracking_no, carrier_no, day })
}

/// Which parcels of a claim somebody is to bring, fetch or look for: asked by intake, before it says where to.
pub async fn open_parcels(reads: PgPool, question: ParcelsQuestion) -> Result<ParcelsAnswer, Fault> {
    // An id that is none: whoever tries the permission asks nothing.
    let Ok(claim) = proto::ids::parse(&question.claim_id) else { return Ok(ParcelsAnswer::default()) };
    let filter = Filter { claim: Some(claim), ..Filter::default() };
    let parcels = store::list(&reads, &filter, PARCELS_MAX).await?;
    let open = parcels.iter().filter(|parcel| parcel.is_open()).map(|parcel| OpenParcel {
        carrier: parcel.booking.as_ref().map(|booking| booking.carrier.clone()).unwrap_or_default(),
        direction: parcel.key.direction.into(),
        state: parcel.status.number(),
    });
    Ok(ParcelsAnswer { parcels: open.collect() })
}
