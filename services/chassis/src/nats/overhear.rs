//! Listening to what other services publish, as it leaves.

use async_nats::Client;
use futures::StreamExt;
use proto::{ClaimId, Subject};

/// Tells of which claims there is a message under a pattern, until the client ends. The connection is renewed by itself, and
/// so is the subscription.
pub(crate) async fn overhear(client: Client, prefix: String, pattern: &'static str, heard: impl Fn(ClaimId)) {
    let Ok(mut messages) = client.subscribe(format!("{prefix}.v1.{pattern}")).await else { return };
    while let Some(message) = messages.next().await {
        if let Ok(Subject::Claim { claim, .. }) = Subject::parse(&prefix, &message.subject) {
            heard(claim);
        }
    }
}
