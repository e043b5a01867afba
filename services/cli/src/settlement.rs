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
        /// At the most so many, 1 to 500.
        #[arg(long, default_value_t = 50)]
        limit: i32,
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
        #[arg(long)]
        failed: bool,
        /// Reference of the payment.
        #[arg(long, default_value = "")]
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
        Settlement::Confirm { settlement, paid, currency, failed: _, reference, credit_note } => {
            let amount =
                paid.map(|paid| money::minor_units(&paid, &currency)).transpose().map_err(Failure::Malformed)?;
            let request = ConfirmSettlementRequest {
                request_id: session.request_id(),
                settlement_id: settlement,
                paid: amount.is_some(),
                amount: amount.map(|minor_units| Money { minor_units, currency }),
                reference,
                credit_note,
            };
            let answer = session.clients.orchestrator()?.confirm_settlement(Request::new(request)).await?.into_inner();
            print(answer.settlement.into_iter().collect(), session)
        }
    }
}

async fn list(claim: Option<String>, state: Option<SettlementState>, limit: i32, session: &Session) -> Result<()> {
    let claim_id = match claim {
        Some(claim) => crate::claim::get(&claim, session).await?.claim_id,
        None => String::new(),
    };
    let request = ListSettlementsRequest {
        claim_id,
        state: state.unwrap_or_default().into(),
        page_size: limit,
        page_token: String::new(),
    };
    let answer = session.clients.orchestrator()?.list_settlements(Request::new(request)).await?.into_inner();
    print(answer.settlements, session)
}

fn print(settlements: Vec<proto::orchestrator::Settlement>, session: &Session) -> Result<()> {
    if session.output.is_json() {
        return output::json(&json!({ "settlements": settlements }));
    }
    let mut table = table([
        "settlement",
        "amount",
        "tax in it",
        "freight kept",
        "credit note",
        "units",
        "state",
        "instructed",
        "claim",
        "line",
    ]);
    for settlement in settlements {
        let job = settlement.job.unwrap_or_default();
        table.add_row([
            settlement.settlement_id,
            money::show(settlement.amount.as_ref()),
            money::show(settlement.tax.as_ref()),
            money::show(settlement.freight_kept.as_ref()),
            settlement.credit_note,
            settlement.quantity.to_string(),
            plain::<SettlementState>(settlement.state),
            time(settlement.instructed_at.as_ref()),
            job.claim_id,
            job.line.to_string(),
        ]);
    }
    output::line(table)
}
