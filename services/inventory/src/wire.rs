//! What the domain has, as messages of the contract.

use proto::inventory as wire;

use crate::domain::{Job, Return};
use crate::events;

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
