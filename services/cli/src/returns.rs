//! `redress return`: goods that come back from customers: what is expected, what came and in what condition, what is done
//! with it.

mod find;
mod receive;
mod show;

use anyhow::Result;
use proto::claim::ReturnReason;
use proto::inventory::{ListReturnsRequest, ReturnState};
use serde_json::json;
use tonic::Request;

use crate::claim;
use crate::connect::Session;
use crate::output::{self, table};
use crate::pages::Limit;
use crate::words::{self, plain};

/// Goods that come back. A return is named by its claim; by --line, if several lines of it come back.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Return {
    /// List returns, oldest first.
    List {
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// Only this state, as expected or closed_short.
        #[arg(long, value_parser = words::parse::<ReturnState>)]
        state: Option<ReturnState>,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
    /// Show what is expected of a claim, what came in what condition, and who counted and decided when.
    Show(find::Named),
    /// Count what arrived. Several receipts are possible; the last one says --last: what has not come is missing then.
    Receive(receive::Receive),
    /// Decide what is done with units that wait for inspection.
    Dispose(receive::Dispose),
}

/// Does what was asked.
pub async fn run(command: Return, session: &Session) -> Result<()> {
    match command {
        Return::List { claim, state, limit } => list(claim.as_deref(), state, limit, session).await,
        Return::Show(named) => show::run(&named, session).await,
        Return::Receive(receive) => receive::receive(receive, session).await,
        Return::Dispose(dispose) => receive::dispose(dispose, session).await,
    }
}

async fn list(claim: Option<&str>, state: Option<ReturnState>, limit: Limit, session: &Session) -> Result<()> {
    let claim_id = claim::id(claim, session).await?;
    let mut service = session.clients.inventory()?;
    let found = limit.read(async |page_size, page_token| {
        let state = state.unwrap_or_default().into();
        let request = ListReturnsRequest { claim_id: claim_id.clone(), state, page_size, page_token };
        let page = service.list_returns(Request::new(request)).await?.into_inner();
        Ok((page.returns, page.next_page_token))
    });
    let found = found.await?;
    if session.output.is_json() {
        return output::json(&json!({ "returns": found.rows, "more": found.more }));
    }
    output::line(returns(&found.rows))?;
    found.tell_more()
}

/// Returns as a table: what came, by its condition.
fn returns(returns: &[proto::inventory::Return]) -> comfy_table::Table {
    let mut table = table([
        "claim",
        "line",
        "round.attempt",
        "SKU",
        "batch",
        "announced",
        "came",
        "wait for inspection",
        "state",
        "why it comes back",
    ]);
    for goods in returns {
        let job = goods.job.clone().unwrap_or_default();
        table.add_row([
            job.claim_id,
            job.line.to_string(),
            format!("{}.{}", job.round, job.attempt),
            goods.sku.clone(),
            goods.batch.clone(),
            goods.announced.to_string(),
            came(goods),
            goods.waiting.to_string(),
            plain::<ReturnState>(goods.state),
            plain::<ReturnReason>(goods.reason),
        ]);
    }
    table
}

/// What came in what condition, a line each.
fn came(goods: &proto::inventory::Return) -> String {
    let count = goods.count.unwrap_or_default();
    let other = if goods.other_sku.is_empty() { "of another article" } else { "of the other article" };
    let conditions = [
        (count.accepted, "accepted"),
        (count.resalable, "of these back in stock"),
        (count.damaged, "damaged"),
        (count.not_as_claimed, "not as claimed"),
        (count.wrong_item, other),
        (count.missing, "missing"),
        (count.excess, "too many"),
    ];
    let told = conditions.into_iter().filter(|(units, _)| *units > 0).map(|(units, what)| format!("{units} {what}"));
    let other = (!goods.other_sku.is_empty()).then(|| format!("the other article is {}", goods.other_sku));
    told.chain(other).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proto::claim::ReturnCount;
    use proto::inventory;

    use super::*;

    #[test]
    fn what_came_is_told_by_its_condition() {
        let count = ReturnCount { accepted: 2, resalable: 1, wrong_item: 1, missing: 3, ..ReturnCount::default() };
        let goods = inventory::Return { count: Some(count), ..inventory::Return::default() };
        assert_eq!(came(&goods), "2 accepted\n1 of these back in stock\n1 of another article\n3 missing");
        let goods = inventory::Return { other_sku: "LAMP-1".to_owned(), ..goods };
        assert!(
            came(&goods).ends_with("1 of the other article\n3 missing\nthe other article is LAMP-1"),
            "{}",
            came(&goods)
        );
        assert_eq!(came(&inventory::Return::default()), "");
    }
}
