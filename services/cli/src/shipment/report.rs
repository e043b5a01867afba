//! `redress shipment report`: what carriers saw.

use std::path::PathBuf;

use anyhow::Result;
use jiff::Timestamp;
use proto::logistics::{ReportTrackingRequest, ShipmentState, TrackingEvent, TrackingReason};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::import::tracking::{self, Outcome};
use crate::output;
use crate::words;

/// One event, or a file of them.
#[derive(Clone, Debug, clap::Args)]
pub struct Report {
    /// Waybill number, ours or the carrier's.
    #[arg(required_unless_present = "file", requires = "state")]
    tracking_no: Option<String>,
    /// State it leads to, as handed_over, in_transit, delivered, lost.
    #[arg(value_parser = words::parse::<ShipmentState>, required_unless_present = "file")]
    state: Option<ShipmentState>,
    /// The carrier's own id of the event: the same id is the same event.
    #[arg(long, required_unless_present = "file")]
    event: Option<String>,
    /// When the carrier saw it, as 2026-03-04T05:06:07Z; without it now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
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
    /// CSV file of events instead: columns tracking_no,carrier_event_id,state,occurred_at and, if they are known,
    /// reason,detail,held_until,expected_on. Each row is answered by itself, in the order of the file: one that cannot be
    /// taken is named with every bad field, and spoils none of the others. The same file again changes nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "tracking_no", "state", "event", "at", "detail", "reason", "until", "expected"
    ])]
    file: Option<PathBuf>,
}

/// Reports.
pub async fn run(report: Report, session: &Session) -> Result<()> {
    if let Some(file) = &report.file {
        let (answers, end) = tracking::report(&crate::import::read(file)?, session).await?;
        answers.print(session)?;
        end?;
        return match answers.count(Outcome::Refused) {
            0 => Ok(()),
            rows => Err(Failure::RowsRefused(rows).into()),
        };
    }
    let at = match report.at {
        Some(at) => at,
        None => crate::clock::now(&session.installation).await?,
    };
    let event = TrackingEvent {
        carrier_event_id: report.event.unwrap_or_default(),
        state: report.state.unwrap_or_default().into(),
        occurred_at: Some(proto::to_wire(at)),
        detail: report.detail,
        reason: report.reason.unwrap_or_default().into(),
        held_until: report.until,
        expected_on: report.expected,
    };
    let tracking_no = report.tracking_no.unwrap_or_default();
    let request = ReportTrackingRequest { request_id: session.request_id(), tracking_no, event: Some(event) };
    let answer = session.clients.logistics()?.report_tracking(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "shipment": answer.shipment, "changed": answer.changed }));
    }
    if !answer.changed {
        output::line("known already, or older than the state: nothing changed")?;
    }
    output::line(super::shipments(answer.shipment.as_slice()))
}
