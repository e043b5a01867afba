//! What the nouns have in common on the wire.

use chassis::{Call, Check, Malformed, Outgoing, Page};
use proto::inventory::InventoryEvent;
use proto::inventory::inventory_event::Kind as Told;
use tonic::Status;
use uuid::Uuid;

use crate::domain::{GoodsLine, Job};
use crate::refusal::Refusal;

/// Most units that one job can be about.
pub const QUANTITY_MAX: u32 = 10_000_000;

/// Units of an article, as a message names them.
pub fn goods(sku: String, batch: String, quantity: u32) -> Result<GoodsLine, Malformed> {
    let fits = |text: &str| text.chars().count() <= 64 && !text.chars().any(char::is_control);
    if sku.is_empty() || !fits(&sku) || !fits(&batch) || !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(Malformed(format!("SKU, batch or quantity {quantity} is out of bounds")));
    }
    Ok(GoodsLine { sku, batch, quantity })
}

/// A message about a job.
pub fn event(job: &Job, kind: Told) -> Outgoing {
    let name = kind.name();
    let message = InventoryEvent { job: Some((*job).into()), kind: Some(kind) };
    Outgoing::event("inventory", name, job.claim.0, &message)
}

/// Refuses another warehouse than the caller's as one that is not there (SR9).
pub fn own(call: &Call, warehouse: &str) -> Result<(), Status> {
    let unknown = || chassis::Refusal::from(Refusal::UnknownWarehouse(warehouse.to_owned()));
    if call.actor.may_use_warehouse(warehouse) { Ok(()) } else { Err(unknown().into()) }
}

/// Reads the code of a warehouse.
pub fn warehouse(check: &mut Check, value: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=32).contains(&value.len()) || !value.bytes().all(fits) {
        check.add("warehouse", "must have 1 to 32 characters of A-Z, 0-9 and hyphen");
    }
    value.to_owned()
}

/// A claim to narrow a list to; empty: all.
pub fn claim(check: &mut Check, text: &str) -> Option<Uuid> {
    (!text.is_empty()).then(|| check.uuid("claim_id", text))
}

/// The key of the last row of the page before.
pub fn key(check: &mut Check, page: &Page, first: i64) -> i64 {
    let Some(after) = &page.after else { return first };
    after.parse().unwrap_or_else(|_| {
        check.add("page_token", "is not a token of this query");
        first
    })
}

/// The version that an etag names; none: it is not compared. What is no etag of ours names no version that is.
pub fn version(etag: &str) -> Option<i64> {
    if etag.is_empty() {
        return None;
    }
    let number = etag.trim_matches('"').parse().ok().filter(|version| chassis::etag(*version) == etag);
    Some(number.unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn only_our_etags_name_a_version() {
        assert_eq!(version(""), None);
        assert_eq!(version("\"3\""), Some(3));
        assert_eq!(version("3"), Some(-1));
        assert_eq!(version("\"03\""), Some(-1));
    }
}
