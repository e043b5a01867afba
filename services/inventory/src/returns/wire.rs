//! A return as a message of the contract.

use proto::inventory as wire;

use super::domain::{Job, Return};
use super::events;

/// The wire form of a return.
pub fn goods_return(job: &Job, known: &Return) -> wire::Return {
    wire::Return {
        job: Some((*job).into()),
        etag: chassis::etag(known.version),
        sku: known.sku.clone(),
        batch: known.batch.clone(),
        announced: known.announced,
        count: Some(events::wire_count(known)),
        state: known.state.into(),
        reason: known.reason.map_or(0, i32::from),
        other_sku: known.other_sku.clone(),
        waiting: known.waiting(),
    }
}
