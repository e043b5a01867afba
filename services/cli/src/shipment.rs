//! `redress shipment`: parcels to and from customers.

use anyhow::Result;
use proto::logistics::{
    ConfirmBookingRequest, DeliveryMode, Direction, GetShipmentRequest, ListShipmentsRequest, ReportTrackingRequest,
    ShipmentState, TrackingEvent, TrackingReason,
};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::money;
use crate::output::{self, table, time};
use crate::words::{self, plain};

/// Parcels to and from customers.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Shipment {
    /// Show a shipment and what the carrier saw.
    Track {
        /// Waybill number, or id of the shipment.
        shipment: String,
    },
    /// List shipments and pick-ups, oldest first.
    List {
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// Only this state.
        #[arg(long, value_parser = words::parse::<ShipmentState>)]
        state: Option<ShipmentState>,
        /// At the most so many, 1 to 500.
        #[arg(long, default_value_t = 50)]
        limit: i32,
    },
    /// Report what the carrier saw, as its gateway does.
    Report {
        /// Waybill number.
        tracking_no: String,
        /// State it leads to, as handed_over, in_transit, delivered, lost.
        #[arg(value_parser = words::parse::<ShipmentState>)]
        state: ShipmentState,
        /// The carrier's own id of the event: the same id is the same event.
        #[arg(long)]
        event: String,
        /// Code of the carrier or place.
        #[arg(long, default_value = "")]
        detail: String,
        /// Why, as delivery_attempted, held_for_collection, customs_hold, returning_to_sender, delivered_incomplete.
        #[arg(long, value_parser = words::parse::<TrackingReason>)]
        reason: Option<TrackingReason>,
        /// With held_for_collection: last day of the collection, YYYY-MM-DD.
        #[arg(long, default_value = "")]
        until: String,
        /// With delayed: the carrier's new day, YYYY-MM-DD.
        #[arg(long, default_value = "")]
        expected: String,
    },
    /// Say which waybill number the carrier has given, and on which day it comes.
    Confirm {
        /// Our waybill number.
        tracking_no: String,
        /// The carrier's.
        carrier_tracking_no: String,
        /// Another day than was promised, YYYY-MM-DD.
        #[arg(long, default_value = "")]
        day: String,
    },
}

/// Does what was asked.
pub async fn run(command: Shipment, session: &Session) -> Result<()> {
    match command {
        Shipment::Track { shipment } => track(shipment, session).await,
        Shipment::List { claim, state, limit } => list(claim, state, limit, session).await,
        Shipment::Report { tracking_no, state, event, detail, reason, until, expected } => {
            let event = TrackingEvent {
                carrier_event_id: event,
                state: state.into(),
                occurred_at: Some(proto::to_wire(chassis::Clock::default().now())),
                detail,
                reason: reason.unwrap_or_default().into(),
                held_until: until,
                expected_on: expected,
            };
            report(tracking_no, event, session).await
        }
        Shipment::Confirm { tracking_no, carrier_tracking_no, day } => {
            let request = ConfirmBookingRequest {
                request_id: session.request_id(),
                tracking_no,
                carrier_tracking_no,
                promised_on: day,
            };
            let answer = session.clients.logistics()?.confirm_booking(Request::new(request)).await?.into_inner();
            if session.output.is_json() {
                return output::json(&json!({ "shipment": answer.shipment }));
            }
            output::line(shipments(answer.shipment.as_slice()))
        }
    }
}

async fn track(name: String, session: &Session) -> Result<()> {
    let mut request = GetShipmentRequest::default();
    match proto::ids::parse(&name) {
        Ok(_) => request.shipment_id = name,
        Err(_) => request.tracking_no = name,
    }
    let answer = session.clients.logistics()?.get_shipment(Request::new(request)).await?.into_inner();
    let shipment = answer.shipment.ok_or_else(|| Failure::NotFound("there is no such shipment".to_owned()))?;
    if session.output.is_json() {
        return output::json(&json!({ "shipment": shipment }));
    }
    output::line(shipments(std::slice::from_ref(&shipment)))?;
    let mut table = table(["when (UTC)", "state", "why", "until", "detail", "carrier's event"]);
    for event in shipment.events {
        let state = plain::<ShipmentState>(event.state);
        let until = if event.held_until.is_empty() { event.expected_on } else { event.held_until };
        let why = plain::<TrackingReason>(event.reason);
        table.add_row([time(event.occurred_at.as_ref()), state, why, until, event.detail, event.carrier_event_id]);
    }
    output::line(table)
}

async fn list(claim: Option<String>, state: Option<ShipmentState>, limit: i32, session: &Session) -> Result<()> {
    let claim_id = match claim {
        Some(claim) => crate::claim::get(&claim, session).await?.claim_id,
        None => String::new(),
    };
    let request = ListShipmentsRequest {
        claim_id,
        state: state.unwrap_or_default().into(),
        page_size: limit,
        ..Default::default()
    };
    let answer = session.clients.logistics()?.list_shipments(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "shipments": answer.shipments }));
    }
    output::line(shipments(&answer.shipments))
}

async fn report(tracking_no: String, event: TrackingEvent, session: &Session) -> Result<()> {
    let request = ReportTrackingRequest { request_id: session.request_id(), tracking_no, event: Some(event) };
    let answer = session.clients.logistics()?.report_tracking(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "shipment": answer.shipment, "changed": answer.changed }));
    }
    if !answer.changed {
        output::line("known already, or older than the state: nothing changed")?;
    }
    output::line(shipments(answer.shipment.as_slice()))
}

fn shipments(shipments: &[proto::logistics::Shipment]) -> comfy_table::Table {
    let mut table = table([
        "waybill", "way", "carrier", "mode", "state", "why", "SKU", "units", "country", "cost", "expected", "claim",
    ]);
    for shipment in shipments {
        table.add_row([
            number(shipment),
            plain::<Direction>(shipment.direction),
            shipment.carrier.clone(),
            plain::<DeliveryMode>(shipment.mode),
            plain::<ShipmentState>(shipment.state),
            plain::<TrackingReason>(shipment.reason),
            shipment.sku.clone(),
            shipment.quantity.to_string(),
            shipment.country.clone(),
            money::show(shipment.cost.as_ref()),
            expected(shipment).to_owned(),
            shipment.job.as_ref().map(|job| job.claim_id.clone()).unwrap_or_default(),
        ]);
    }
    table
}

/// Our waybill number, and the carrier's.
fn number(shipment: &proto::logistics::Shipment) -> String {
    let numbers = [shipment.tracking_no.as_str(), shipment.carrier_tracking_no.as_str()];
    numbers.into_iter().filter(|number| !number.is_empty()).collect::<Vec<_>>().join("\n")
}

fn expected(shipment: &proto::logistics::Shipment) -> &str {
    if shipment.expected_on.is_empty() { &shipment.promised_on } else { &shipment.expected_on }
}
