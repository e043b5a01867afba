//! Fields that many requests have.

use chassis::Check;
use jiff::Timestamp;
use proto::{ClaimId, WireTime};

/// The claim; the request id is looked at, too.
pub(super) fn ids(check: &mut Check, request_id: &str, claim_id: &str) -> ClaimId {
    check.request_id(request_id);
    check.id("claim_id", claim_id)
}

/// The version that an etag names; empty: not compared. What is not an etag of ours matches no version.
pub(super) fn etag(check: &mut Check, etag: &str) -> Option<i64> {
    let etag = check.text("etag", etag, 0..=64);
    if etag.is_empty() {
        return None;
    }
    let version = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Some(version.and_then(|version| version.parse().ok()).unwrap_or(0))
}

/// A point in time that is not still to come, as the database keeps it: in microseconds.
pub(super) fn past(check: &mut Check, field: &str, at: &WireTime, now: Timestamp) -> Option<Timestamp> {
    let at = check.time(field, Some(at))?;
    if at > now {
        check.add(field, "must not be in the future");
    }
    Timestamp::from_microsecond(at.as_microsecond()).ok()
}
