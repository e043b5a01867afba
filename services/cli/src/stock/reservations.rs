//! `redress stock reservations`: what is promised to claims.

use anyhow::Result;
use proto::claim::BatchRule;
use proto::inventory::{ListReservationsRequest, ReservationState};
use serde_json::json;
use tonic::Request;

use crate::claim;
use crate::connect::Session;
use crate::output::{self, table, time};
use crate::pages::Limit;
use crate::words::{self, plain};

/// Which reservations are listed.
#[derive(Clone, Debug, clap::Args)]
pub struct List {
    /// Only this claim.
    #[arg(long)]
    claim: Option<String>,
    /// Only this state, as held_partly.
    #[arg(long, value_parser = words::parse::<ReservationState>)]
    state: Option<ReservationState>,
    /// How many.
    #[command(flatten)]
    limit: Limit,
}

/// Lists reservations.
pub async fn run(list: List, session: &Session) -> Result<()> {
    let claim_id = claim::id(list.claim.as_deref(), session).await?;
    let mut service = session.clients.inventory()?;
    let found = list.limit.read(async |page_size, page_token| {
        let state = list.state.unwrap_or_default().into();
        let request = ListReservationsRequest { claim_id: claim_id.clone(), state, page_size, page_token };
        let page = service.list_reservations(Request::new(request)).await?.into_inner();
        Ok((page.reservations, page.next_page_token))
    });
    let found = found.await?;
    if session.output.is_json() {
        return output::json(&json!({ "reservations": found.rows, "more": found.more }));
    }
    let mut table =
        table(["claim", "line", "SKU", "batch", "which batch", "wanted", "held", "state", "held until", "expected"]);
    for held in &found.rows {
        let job = held.job.clone().unwrap_or_default();
        table.add_row([
            job.claim_id,
            job.line.to_string(),
            held.sku.clone(),
            held.batch.clone(),
            plain::<BatchRule>(held.batch_rule),
            held.wanted.to_string(),
            held.held.to_string(),
            plain::<ReservationState>(held.state),
            time(held.expires_at.as_ref()),
            held.expected_on.clone(),
        ]);
    }
    output::line(table)?;
    found.tell_more()
}
