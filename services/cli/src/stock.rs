//! `redress stock`: what is where, and why.

mod change;
pub mod movements;
mod reservations;

use anyhow::Result;
use proto::inventory::{GetAvailabilityRequest, GetAvailabilityResponse, Zone};
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, table};
use crate::pages::Limit;
use crate::words::plain;

/// Goods in the warehouses. Files of goods are imported by `redress import stock`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Stock {
    /// Show what is available of an article, and where it is: warehouse, zone, batch.
    Show {
        /// The article (SKU).
        sku: String,
        /// Only this batch.
        #[arg(long, default_value = "")]
        batch: String,
    },
    /// List who moved units of an article, when, why; newest first.
    Movements {
        /// The article (SKU).
        sku: String,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
    /// List what is promised to claims, oldest first.
    Reservations(reservations::List),
    /// Move units to another zone of the warehouse. Units that are promised stay.
    Move(change::Move),
    /// Correct the stock after a count.
    Adjust(change::Adjust),
    /// Book goods that arrived; open back-orders are filled.
    Receive(change::Receive),
    /// Register an article, or change its description.
    Article(change::Article),
    /// Register a warehouse, or name the custodian of its valuables.
    Warehouse(change::Warehouse),
}

/// Does what was asked.
pub async fn run(command: Stock, session: &Session) -> Result<()> {
    match command {
        Stock::Show { sku, batch } => show(sku, batch, session).await,
        Stock::Movements { sku, limit } => movements::run(&sku, limit, session).await,
        Stock::Reservations(list) => reservations::run(list, session).await,
        Stock::Move(change) => change.run(session).await,
        Stock::Adjust(change) => change.run(session).await,
        Stock::Receive(change) => change.run(session).await,
        Stock::Article(change) => change.run(session).await,
        Stock::Warehouse(change) => change.run(session).await,
    }
}

async fn show(sku: String, batch: String, session: &Session) -> Result<()> {
    let request = GetAvailabilityRequest { sku, batch };
    let answer = session.clients.inventory()?.get_availability(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    let GetAvailabilityResponse { available, back_ordered, stock } = answer;
    output::line(format!("{available} available, {back_ordered} back-ordered"))?;
    let mut table = table(["warehouse", "zone", "batch", "on hand", "promised"]);
    for at in stock {
        let zone = plain::<Zone>(at.zone);
        table.add_row([at.warehouse, zone, at.batch, at.on_hand.to_string(), at.reserved.to_string()]);
    }
    output::line(table)
}
