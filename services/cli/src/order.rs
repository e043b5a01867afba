//! `redress order`: what was sold, in every version that was recorded, and what is left to claim.

use anyhow::Result;
use proto::orchestrator::GetEntitlementRequest;
use proto::triage::{LineKind, ListOrderFactsRequest, OrderFacts};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::money;
use crate::output::{self, table, time};
use crate::pages::Limit;
use crate::words::plain;

/// Orders of customers. Files of orders are imported by `redress import orders`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Order {
    /// Show all that was ever recorded about an order: each line in each version, by whom and when. The highest version counts.
    #[command(visible_alias = "facts")]
    Show {
        /// Order number; upper and lower case and separators make no difference.
        order: String,
    },
    /// Show what a customer may still get for an order line.
    Left {
        /// Order number.
        order: String,
        /// The article (SKU).
        sku: String,
        /// Line of the order; without it all lines of the article, added up.
        #[arg(long, default_value = "")]
        line: String,
    },
}

/// Does what was asked.
pub async fn run(command: Order, session: &Session) -> Result<()> {
    match command {
        Order::Show { order } => show(&order, session).await,
        Order::Left { order, sku, line } => left(order, sku, line, session).await,
    }
}

async fn show(order: &str, session: &Session) -> Result<()> {
    let mut service = session.clients.triage()?;
    let found = Limit::ALL.read(async |page_size, page_token| {
        let request = ListOrderFactsRequest { page_size, page_token, order_no: order.to_owned() };
        let page = service.list_order_facts(Request::new(request)).await?.into_inner();
        Ok((page.facts, page.next_page_token))
    });
    let facts = found.await?.rows;
    if facts.is_empty() {
        return Err(Failure::NotFound(format!("nothing was recorded about order {order}")).into());
    }
    if session.output.is_json() {
        return output::json(&json!({ "facts": facts }));
    }
    let mut table = table([
        "order",
        "SKU",
        "line",
        "version",
        "units",
        "price",
        "paid",
        "tax",
        "discount",
        "bought",
        "delivered",
        "kind",
        "customer",
        "recorded (UTC)",
        "by",
    ]);
    for OrderFacts { line, version, recorded_by, recorded_at } in facts {
        let line = line.unwrap_or_default();
        table.add_row([
            line.order_no,
            line.sku,
            line.line_id,
            version.to_string(),
            line.quantity.to_string(),
            money::show(line.unit_price.as_ref()),
            money::show(line.paid_total.as_ref()),
            money::show(line.tax_total.as_ref()),
            money::show(line.discount_total.as_ref()),
            line.purchased_on,
            line.delivered_on,
            plain::<LineKind>(line.kind),
            line.customer_ref,
            time(recorded_at.as_ref()),
            recorded_by,
        ]);
    }
    output::line(table)
}

async fn left(order_no: String, sku: String, line_id: String, session: &Session) -> Result<()> {
    let request = GetEntitlementRequest { order_no, sku, line_id };
    let answer = session.clients.orchestrator()?.get_entitlement(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    let mut table = table(["sold", "promised", "given", "of these still out", "paid", "compensated", "version"]);
    table.add_row([
        answer.sold.to_string(),
        answer.held.to_string(),
        answer.given.to_string(),
        answer.replaced.to_string(),
        money::show(answer.paid.as_ref()),
        money::show(answer.compensated.as_ref()),
        answer.version.to_string(),
    ]);
    output::line(table)
}
