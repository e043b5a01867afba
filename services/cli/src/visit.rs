//! `redress visit`: technicians at the customer's.

use anyhow::Result;
use jiff::Timestamp;
use proto::logistics::{
    AppointVisitRequest, Appointment, CancelVisitRequest, GetVisitRequest, ListVisitsRequest, ProposeVisitRequest,
    ReportVisitRequest, Visit as Wire, VisitFailure, VisitOutcome, VisitState,
};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::output::{self, table, time};
use crate::pages::Limit;
use crate::words::{self, plain};

/// Visits of technicians to customers.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Visit {
    /// List visits, oldest first.
    List {
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// Only this state.
        #[arg(long, value_parser = words::parse::<VisitState>)]
        state: Option<VisitState>,
        /// Only those that this technician is appointed to.
        #[arg(long, default_value = "")]
        technician: String,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a visit with its trips, tools and checklist.
    Show {
        /// Id of the visit.
        visit: String,
    },
    /// Offer the first free appointments of technicians who may do it.
    Propose {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// First day that is looked at, YYYY-MM-DD; without it tomorrow.
        #[arg(long, default_value = "")]
        from: String,
    },
    /// Appoint a technician and a time that the customer has agreed to; also another one, and another trip after one in vain.
    #[command(visible_alias = "reappoint")]
    Appoint {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Who.
        #[arg(long)]
        technician: String,
        /// Begin, as 2026-10-14T09:00:00Z; a full quarter of an hour.
        #[arg(long)]
        at: Timestamp,
    },
    /// Report that the technician is there, or how the trip ended.
    Report(Box<Report>),
    /// Give a visit up.
    Cancel {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// The visit that something is done about.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Id of the visit.
    visit: String,
    /// Row version that it rests on; without it any.
    #[arg(long, default_value = "")]
    etag: String,
}

/// How a trip went.
#[derive(Clone, Debug, clap::Args)]
pub struct Report {
    #[command(flatten)]
    which: Which,
    /// `on_site`, done or failed.
    #[arg(long, value_parser = words::parse::<VisitOutcome>)]
    outcome: VisitOutcome,
    /// Why it was in vain.
    #[arg(long, value_parser = words::parse::<VisitFailure>)]
    failure: Option<VisitFailure>,
    /// What was done.
    #[arg(long, default_value = "")]
    work: String,
    /// Material that was used.
    #[arg(long, default_value = "")]
    material: String,
    /// Serial number of the part that was taken out.
    #[arg(long, default_value = "")]
    serial_out: String,
    /// Serial number of the part that was put in.
    #[arg(long, default_value = "")]
    serial_in: String,
    /// The checklist was gone through, and it works again.
    #[arg(long)]
    works: bool,
    /// The customer was instructed.
    #[arg(long)]
    instructed: bool,
}

/// Does what was asked.
pub async fn run(command: Visit, session: &Session) -> Result<()> {
    let mut service = session.clients.logistics()?;
    let request_id = session.request_id();
    let after = match command {
        Visit::List { claim, state, technician, limit } => {
            let request = ListVisitsRequest {
                claim_id: crate::claim::id(claim.as_deref(), session).await?,
                state: state.unwrap_or_default().into(),
                technician_id: technician,
                ..Default::default()
            };
            return list(request, limit, session).await;
        }
        Visit::Show { visit } => {
            let request = GetVisitRequest { visit_id: visit };
            service.get_visit(Request::new(request)).await?.into_inner().visit
        }
        Visit::Propose { which: Which { visit, etag }, from } => {
            let request = ProposeVisitRequest { request_id, visit_id: visit, etag, from_day: from };
            service.propose_visit(Request::new(request)).await?.into_inner().visit
        }
        Visit::Appoint { which: Which { visit, etag }, technician, at } => {
            let request = AppointVisitRequest {
                request_id,
                visit_id: visit,
                etag,
                technician_id: technician,
                starts_at: Some(proto::to_wire(at)),
            };
            service.appoint_visit(Request::new(request)).await?.into_inner().visit
        }
        Visit::Report(report) => {
            let request = report.request(request_id);
            service.report_visit(Request::new(request)).await?.into_inner().visit
        }
        Visit::Cancel { which: Which { visit, etag }, reason } => {
            let request = CancelVisitRequest { request_id, visit_id: visit, etag, reason };
            service.cancel_visit(Request::new(request)).await?.into_inner().visit
        }
    };
    let visit = after.ok_or_else(|| Failure::NotFound("there is no such visit".to_owned()))?;
    show(&visit, session)
}

impl Report {
    fn request(self, request_id: String) -> ReportVisitRequest {
        ReportVisitRequest {
            request_id,
            visit_id: self.which.visit,
            etag: self.which.etag,
            outcome: self.outcome.into(),
            failure: self.failure.unwrap_or_default().into(),
            work: self.work,
            material: self.material,
            serial_out: self.serial_out,
            serial_in: self.serial_in,
            works: self.works,
            instructed: self.instructed,
        }
    }
}

async fn list(request: ListVisitsRequest, limit: Limit, session: &Session) -> Result<()> {
    let mut service = session.clients.logistics()?;
    let found = limit.read(async |page_size, page_token| {
        let request = ListVisitsRequest { page_size, page_token, ..request.clone() };
        let page = service.list_visits(Request::new(request)).await?.into_inner();
        Ok((page.visits, page.next_page_token))
    });
    let found = found.await?;
    if session.output.is_json() {
        return output::json(&json!({ "visits": found.rows, "more": found.more }));
    }
    output::line(visits(&found.rows))?;
    found.tell_more()
}

fn show(visit: &Wire, session: &Session) -> Result<()> {
    if session.output.is_json() {
        return output::json(&json!({ "visit": visit }));
    }
    output::line(visits(std::slice::from_ref(visit)))?;
    for (what, list) in [("tools", &visit.tools), ("to be checked", &visit.checklist)] {
        if !list.is_empty() {
            output::line(format!("{what}: {}", list.join(", ")))?;
        }
    }
    for offer in &visit.offers {
        output::line(format!("offered: {}", when(Some(offer))))?;
    }
    if visit.ended.is_empty() {
        return Ok(());
    }
    let mut table = table(["trip", "who and when (UTC)", "outcome", "why", "work", "material", "out", "in"]);
    for trip in &visit.ended {
        table.add_row([
            trip.number.to_string(),
            when(trip.appointment.as_ref()),
            plain::<VisitOutcome>(trip.outcome),
            plain::<VisitFailure>(trip.failure),
            trip.work.clone(),
            trip.material.clone(),
            trip.serial_out.clone(),
            trip.serial_in.clone(),
        ]);
    }
    output::line(table)
}

fn visits(visits: &[Wire]) -> comfy_table::Table {
    let mut table =
        table(["visit", "kind", "state", "who and when (UTC)", "trips", "SKU", "units", "region", "why", "claim"]);
    for visit in visits {
        table.add_row([
            visit.visit_id.clone(),
            visit.kind.clone(),
            plain::<VisitState>(visit.state),
            when(visit.appointment.as_ref()),
            visit.trips.to_string(),
            visit.sku.clone(),
            visit.quantity.to_string(),
            visit.region.clone(),
            visit.reason.clone(),
            visit.job.as_ref().map(|job| job.claim_id.clone()).unwrap_or_default(),
        ]);
    }
    table
}

fn when(appointment: Option<&Appointment>) -> String {
    appointment.map_or(String::new(), |at| format!("{} {}", at.technician_id, time(at.starts_at.as_ref())))
}
