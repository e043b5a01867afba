//! `redress return show`: a return, and every entry of the ledger that it has made.

use anyhow::Result;
use proto::inventory::{Movement, MovementKind, Return};
use serde_json::json;
use tonic::{Code, Status};

use super::find::{self, Named};
use crate::connect::Session;
use crate::exit::Failure;
use crate::output;
use crate::pages::Limit;
use crate::stock::movements;

/// Movements of an article that are looked through for those of a claim, at the most.
const LOOKED_THROUGH: Limit = Limit { limit: 10_000 };

/// Shows the returns of a claim.
pub async fn run(named: &Named, session: &Session) -> Result<()> {
    let (claim_id, returns) = find::all(named, session).await?;
    if returns.is_empty() {
        return Err(Failure::NotFound(format!("no such return of {} is expected", named.claim)).into());
    }
    let moved = moved(&claim_id, &returns, session).await?;
    if session.output.is_json() {
        return output::json(&json!({ "returns": returns, "movements": moved }));
    }
    output::line(super::returns(&returns))?;
    match moved {
        Some(moved) => output::line(movements::table(&moved)),
        None => output::line("who counted and decided is not shown to this role"),
    }
}

/// What was counted, and what was done with it, newest first; none: the role may not read it.
async fn moved(claim_id: &str, returns: &[Return], session: &Session) -> Result<Option<Vec<Movement>>> {
    let named = returns.iter().flat_map(|goods| [&goods.sku, &goods.other_sku]);
    let mut skus: Vec<&String> = named.filter(|sku| !sku.is_empty()).collect();
    skus.sort_unstable();
    skus.dedup();
    let mut moved = Vec::new();
    for sku in skus {
        let found = match movements::read(sku, LOOKED_THROUGH, session).await {
            Ok(found) => found.rows,
            Err(error) if denied(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        moved.extend(found.into_iter().filter(|entry| entry.document == claim_id && came_back(entry.kind())));
    }
    moved.sort_by_key(|entry| std::cmp::Reverse(entry.movement_id));
    Ok(Some(moved))
}

fn denied(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Status>().is_some_and(|status| status.code() == Code::PermissionDenied)
}

/// Goods sent to the customer under the same claim are another matter.
fn came_back(kind: MovementKind) -> bool {
    match kind {
        MovementKind::Return
        | MovementKind::Restocked
        | MovementKind::Scrapped
        | MovementKind::SupplierReturn
        | MovementKind::SentBack => true,
        MovementKind::Unspecified
        | MovementKind::Receipt
        | MovementKind::Adjustment
        | MovementKind::Consumed
        | MovementKind::Moved => false,
    }
}
