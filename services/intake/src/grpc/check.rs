//! Fields that many requests have.

use chassis::Check;
use proto::ClaimId;
use uuid::Uuid;

/// The request id and the claim.
pub(super) fn ids(check: &mut Check, request_id: &str, claim_id: &str) -> (Uuid, ClaimId) {
    (check.request_id(request_id), check.id("claim_id", claim_id))
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
