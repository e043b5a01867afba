//! Does the service have every permission that the table gives it? Each is tried with a request that the broker must
//! answer and that changes nothing: a message that belongs to no stream, a pull that makes no sense. One that is not
//! allowed gets no answer, and [`Refusals`] hears why (P10).

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use async_nats::{Client, HeaderMap, Request};
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::refusals::Refusals;
use crate::topology;

/// How often all are tried; at each new connection, too.
const EVERY: Duration = Duration::from_secs(8);
/// How often it looks whether there is a new connection.
const LOOK: Duration = Duration::from_millis(500);
/// Longest wait for the answers.
const LIMIT: Duration = Duration::from_secs(2);

/// What no stream and no message is called.
const NOTHING: &str = "self-test";

/// Tries the permissions of a service.
pub(crate) struct SelfTest {
    client: Client,
    refusals: Arc<Refusals>,
    /// Permissions; none: the service has no place in the table.
    permissions: Vec<String>,
}

impl SelfTest {
    pub(crate) fn new(service: &str, prefix: &str, client: Client, refusals: Arc<Refusals>) -> Self {
        let permissions = topology::row(service).map(|row| row.user(prefix).publish).unwrap_or_default();
        Self { client, refusals, permissions }
    }

    /// Tries again and again, until the service stops.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut tried: Option<(u64, Instant)> = None;
        loop {
            tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = stop.cancelled() => return }
            self.refusals.age();
            let connects = super::connects(&self.client);
            let due = tried.is_none_or(|(before, at)| before != connects || at.elapsed() >= EVERY);
            if !due || !super::is_connected(&self.client) {
                continue;
            }
            tokio::select! { () = self.round() => {}, () = stop.cancelled() => return }
            tried = Some((connects, Instant::now()));
            if self.refusals.is_deaf() && self.client.force_reconnect().await.is_err() {
                tracing::debug!("the client has ended");
            }
        }
    }

    /// Tries every permission once.
    pub(crate) async fn round(&self) {
        join_all(self.permissions.iter().map(|permission| self.attempt(permission))).await;
    }

    async fn attempt(&self, permission: &str) {
        let (subject, request) = probe(permission);
        match self.client.send_request(subject, request.timeout(Some(LIMIT))).await {
            Ok(_) => self.refusals.allowed(permission),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => self.refusals.allowed(permission),
            // No answer: either the broker says why, or it is slow.
            Err(_) => {}
        }
    }
}

/// A request that needs a permission and does nothing.
fn probe(permission: &str) -> (String, Request) {
    let subject = permission.replace(['*', '>'], NOTHING);
    let request = Request::new();
    let request = match permission.split('.').skip(2).collect::<Vec<_>>().as_slice() {
        // There is no such acknowledgement.
        _ if permission.starts_with("$JS.ACK.") => request,
        ["STREAM" | "CONSUMER", "INFO", ..] => request,
        // Who asks for nothing is told so.
        ["DIRECT", "GET", ..] | ["STREAM", "MSG", "GET", ..] => request.payload("{}".into()),
        // Nonsense for each of them: pull, reset, unpin.
        ["CONSUMER", ..] if permission.starts_with("$JS.API.") => {
            request.payload(r#"{"batch":"none","seq":"none","group":0}"#.into())
        }
        // No stream keeps what is meant for another one.
        _ => {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Expected-Stream", NOTHING);
            request.headers(headers)
        }
    };
    (subject, request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_as_a_test_is_for_no_stream() {
        let (subject, request) = probe("redress.v1.event.intake.*");
        assert_eq!(subject, "redress.v1.event.intake.self-test");
        assert!(request.headers.is_some_and(|headers| headers.get("Nats-Expected-Stream").is_some()));
        for permission in topology::SERVICES.iter().flat_map(|row| row.user("redress").publish) {
            let (subject, request) = probe(&permission);
            assert!(topology::matches(&permission, &subject), "{permission} {subject}");
            let plain = permission.contains(".INFO.") || permission.starts_with("$JS.ACK.");
            assert_eq!(request.payload.is_none() && request.headers.is_none(), plain, "{permission}");
        }
    }
}
