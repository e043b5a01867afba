//! `redress stock movements`: the ledger of an article.

use anyhow::Result;
use comfy_table::Table;
use proto::inventory::{ListMovementsRequest, Movement, MovementKind, Zone};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, time};
use crate::pages::{Found, Limit};
use crate::words::plain;

/// Lists the movements of an article.
pub async fn run(sku: &str, limit: Limit, session: &Session) -> Result<()> {
    let found = read(sku, limit, session).await?;
    if session.output.is_json() {
        return output::json(&json!({ "movements": found.rows, "more": found.more }));
    }
    output::line(table(&found.rows))?;
    found.tell_more()
}

/// The movements of an article, newest first.
pub async fn read(sku: &str, limit: Limit, session: &Session) -> Result<Found<Movement>> {
    let mut service = session.clients.inventory()?;
    let pages = limit.read(async |page_size, page_token| {
        let request = ListMovementsRequest { sku: sku.to_owned(), page_size, page_token };
        let page = service.list_movements(Request::new(request)).await?.into_inner();
        Ok((page.movements, page.next_page_token))
    });
    pages.await
}

/// Movements as a table. The document is the reason of what people moved, the claim of what came or went for one.
pub fn table(movements: &[Movement]) -> Table {
    let mut table = output::table([
        "no",
        "when (UTC)",
        "what",
        "units",
        "SKU",
        "batch",
        "warehouse",
        "zone",
        "why or document",
        "who",
    ]);
    for entry in movements {
        table.add_row([
            entry.movement_id.to_string(),
            time(entry.moved_at.as_ref()),
            plain::<MovementKind>(entry.kind),
            format!("{:+}", entry.quantity),
            entry.sku.clone(),
            entry.batch.clone(),
            entry.warehouse.clone(),
            plain::<Zone>(entry.zone),
            entry.document.clone(),
            entry.actor.clone(),
        ]);
    }
    table
}
