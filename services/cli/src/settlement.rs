//! `redress settlement`: money to customers.

use anyhow::Result;
use proto::claim::Money;
use proto::orchestrator::{ConfirmSettlementRequest, ListSettlementsRequest, SettlementState};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::money;
use crate::output::{self, table, time};
use crate::pages::Limit;
use crate::words::{self, plain};

/// Money to customers.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Settlement {
    /// List settlements, oldest first.
    List {
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// Only this state.
        #[arg(long, value_parser = words::parse::<SettlementState>)]
        state: Option<SettlementState>,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
    /// Finance says what became of a settlement.
    Confirm {
        /// The settlement.
        settlement: String,
        /// What was paid, as 12.50; it must be the instructed amount.
        #[arg(long, value_name = "AMOUNT", required_unless_present = "failed", conflicts_with = "failed")]
        paid: Option<String>,
        /// Currency of the amount.
        #[arg(long, default_value = "GBP", value_parser = crate::money::code)]
        currency: String,
        /// It could not be paid.
        #[arg(long, value_name = "WHY")]
        failed: Option<String>,
        /// Reference of the payment, which no other one has.
        #[arg(long, default_value = "", required_unless_present = "failed")]
        reference: String,
        /// Number of the credit note.
        #[arg(long, default_value = "", value_name = "NUMBER")]
        credit_note: String,
    },
}

/// Does what was asked.
pub async fn run(command: Settlement, session: &Session) -> Result<()> {
    match command {
        Settlement::List { claim, state, limit } => list(claim, state, limit, session).await,
        Settlement::Confirm { settlement, paid, currency, failed, reference, credit_note } => {
            let amount =
                paid.map(|paid| money::minor_units(&paid, &currency)).transpose().map_err(Failure::Malformed)?;
            let request = ConfirmSettlementRequest {
                request_id: session.request_id(),
                settlement_id: settlement,
                paid: amount.is_some(),
                amount: amount.map(|minor_units| Money { minor_units, currency }),
                reference,
                credit_note,
                failure: failed.unwrap_or_default(),
            };
            let answer = session.clients.orchestrator()?.confirm_settlement(Request::new(request)).await?.into_inner();
            let settled: Vec<_> = answer.settlement.into_iter().collect();
            if session.output.is_json() {
                return output::json(&json!({ "settlements": settled }));
            }
            output::line(settlements(&settled))
        }
    }
}

async fn list(claim: Option<String>, state: Option<SettlementState>, limit: Limit, session: &Session) -> Result<()> {
    let claim_id = crate::claim::id(claim.as_deref(), session).await?;
    let mut service = session.clients.orchestrator()?;
    let found = limit.read(async |page_size, page_token| {
        let state = state.unwrap_or_default().into();
        let request = ListSettlementsRequest { claim_id: claim_id.clone(), state, page_size, page_token };
        let page = service.list_settlements(Request::new(request)).await?.into_inner();
        Ok((page.settlements, page.next_page_token))
    });
    let found = found.await?;
    if session.output.is_json() {
        return output::json(&json!({ "settlements": found.rows, "more": found.more }));
    }
    output::line(settlements(&found.rows))?;
    found.tell_more()
}

fn settlements(settlements: &[proto::orchestrator::Settlement]) -> comfy_table::Table {
    let mut table = table([
        "settlement",
        "amount",
        "tax in it",
        "freight kept",
        "reference",
        "credit note",
        "why it failed",
        "units",
        "state",
        "instructed",
        "claim",
        "line",
    ]);
    for settlement in settlements {
        let job = settlement.job.clone().unwrap_or_default();
        table.add_row([
            settlement.settlement_id.clone(),
            money::show(settlement.amount.as_ref()),
            money::show(settlement.tax.as_ref()),
            money::show(settlement.freight_kept.as_ref()),
            settlement.reference.clone(),
            settlement.credit_note.clone(),
            settlement.failure.clone(),
            settlement.quantity.to_string(),
            plain::<SettlementState>(settlement.state),
            time(settlement.instructed_at.as_ref()),
            job.claim_id,
            job.line.to_string(),
        ]);
    }
    table
}
