//! `redress shipment`: parcels to and from customers.

mod report;

use anyhow::Result;
use proto::claim::Severity;
use proto::logistics::{
    ConfirmBookingRequest, DeliveryMode, Direction, GetShipmentRequest, ListShipmentsRequest, QuoteShipmentRequest,
    ShipmentState, TrackingReason,
};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::money;
use crate::output::{self, table, time};
use crate::pages::Limit;
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
        /// Only this way, outbound or return.
        #[arg(long, value_parser = words::parse::<Direction>)]
        way: Option<Direction>,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
    /// Report what the carrier saw, as its gateway does: one event, or a file of them.
    Report(Box<report::Report>),
    /// Tell which carrier would be chosen, at what cost. Nothing is booked.
    Quote {
        /// Country of the customer, ISO 3166-1 alpha-2.
        #[arg(long)]
        country: String,
        /// Units.
        #[arg(long, default_value_t = 1)]
        units: u32,
        /// How bad the claim is: serious and urgent ones go the fastest way.
        #[arg(long, value_parser = words::parse::<Severity>)]
        severity: Option<Severity>,
        /// A pick-up at the customer's.
        #[arg(long)]
        pickup: bool,
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
        Shipment::List { claim, state, way, limit } => {
            let request = ListShipmentsRequest {
                claim_id: crate::claim::id(claim.as_deref(), session).await?,
                state: state.unwrap_or_default().into(),
                direction: way.unwrap_or_default().into(),
                ..Default::default()
            };
            list(request, limit, session).await
        }
        Shipment::Report(what) => report::run(*what, session).await,
        Shipment::Quote { country, units, severity, pickup } => {
            let direction = if pickup { Direction::Return } else { Direction::Outbound };
            let request = QuoteShipmentRequest {
                country,
                severity: severity.unwrap_or_default().into(),
                quantity: units,
                direction: direction.into(),
            };
            quote(request, session).await
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

async fn list(request: ListShipmentsRequest, limit: Limit, session: &Session) -> Result<()> {
    let mut service = session.clients.logistics()?;
    let found = limit.read(async |page_size, page_token| {
        let request = ListShipmentsRequest { page_size, page_token, ..request.clone() };
        let page = service.list_shipments(Request::new(request)).await?.into_inner();
        Ok((page.shipments, page.next_page_token))
    });
    let found = found.await?;
    if session.output.is_json() {
        return output::json(&json!({ "shipments": found.rows, "more": found.more }));
    }
    output::line(shipments(&found.rows))?;
    found.tell_more()
}

async fn quote(request: QuoteShipmentRequest, session: &Session) -> Result<()> {
    let answer = session.clients.logistics()?.quote_shipment(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    let (mode, cost) = (plain::<DeliveryMode>(answer.mode), money::show(answer.cost.as_ref()));
    output::line(format!("{}, {mode}, {cost}, {} days on the way", answer.carrier, answer.days))
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
