//! `redress claim clocks`: what was promised by when, and whether it was kept.

use anyhow::Result;
use comfy_table::Table;
use proto::claim::{Role, Severity};
use proto::escalation::{ClockKind, ClockState, Escalation, ListClocksRequest, ListEscalationsRequest};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, table, time};
use crate::pages::{Found, Limit};
use crate::words::plain;

/// Shows the clocks of a claim, and to whom a missed deadline was told.
pub async fn run(name: &str, session: &Session) -> Result<()> {
    let claim_id = super::get(name, session).await?.claim_id;
    let mut service = session.clients.escalation()?;
    let clocks = Limit::ALL.read(async |page_size, page_token| {
        let request = ListClocksRequest { claim_id: claim_id.clone(), page_size, page_token };
        let page = service.list_clocks(Request::new(request)).await?.into_inner();
        Ok((page.clocks, page.next_page_token))
    });
    let clocks = clocks.await?.rows;
    let escalations = escalations(&claim_id, Limit::ALL, session).await?.rows;
    if session.output.is_json() {
        return output::json(&json!({ "clocks": clocks, "escalations": escalations }));
    }
    let mut table = table([
        "clock",
        "round or plan",
        "severity",
        "state",
        "working time",
        "started (UTC)",
        "due",
        "breached",
        "kept",
    ]);
    for clock in clocks {
        table.add_row([
            plain::<ClockKind>(clock.kind),
            clock.round.to_string(),
            plain::<Severity>(clock.severity),
            plain::<ClockState>(clock.state),
            format!("{} h {:02} min", clock.target_s / 3600, clock.target_s / 60 % 60),
            time(clock.started_at.as_ref()),
            time(clock.deadline.as_ref()),
            time(clock.breached_at.as_ref()),
            time(clock.stopped_at.as_ref()),
        ]);
    }
    output::line(table)?;
    if escalations.is_empty() { Ok(()) } else { output::line(escalated(&escalations)) }
}

/// Escalations, newest first; of one claim or all.
pub async fn escalations(claim_id: &str, limit: Limit, session: &Session) -> Result<Found<Escalation>> {
    let mut service = session.clients.escalation()?;
    let found = limit.read(async |page_size, page_token| {
        let request = ListEscalationsRequest { claim_id: claim_id.to_owned(), page_size, page_token };
        let page = service.list_escalations(Request::new(request)).await?.into_inner();
        Ok((page.escalations, page.next_page_token))
    });
    found.await
}

/// Escalations as a table.
pub fn escalated(escalations: &[Escalation]) -> Table {
    let mut table = table(["raised (UTC)", "to", "level", "clock", "round or plan", "was due", "claim"]);
    for raised in escalations {
        table.add_row([
            time(raised.raised_at.as_ref()),
            plain::<Role>(raised.role),
            raised.level.to_string(),
            plain::<ClockKind>(raised.clock),
            raised.round.to_string(),
            time(raised.deadline.as_ref()),
            raised.claim_id.clone(),
        ]);
    }
    table
}
