//! The gRPC edge: who calls, until when, under which trace.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::meta::Actor;
use crate::{metrics, telemetry};

/// A call without a deadline of its own gets this one; no call gets more.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(15);

tokio::task_local! {
    static SERVICE: &'static str;
}

/// Domain of `ErrorInfo`: `redress.<service>`.
pub(crate) fn domain() -> String {
    SERVICE.try_with(|service| format!("redress.{service}")).unwrap_or_else(|_| "redress".to_owned())
}

/// What a call carries besides its request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub actor: Actor,
    pub(crate) trace: Option<String>,
    pub(crate) time_left: Duration,
}

impl Call {
    /// Reads the caller, the deadline and the trace of a call.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let metadata = request.metadata();
        let text =
            |key: &str| metadata.get(key).and_then(|value| value.to_str().ok()).filter(|value| value.len() <= 200);
        let subject = text("redress-actor").filter(|subject| !subject.is_empty()).unwrap_or("anonymous").to_owned();
        let roles = text("redress-roles").unwrap_or_default();
        let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect();
        let deadline = text("grpc-timeout").and_then(timeout).unwrap_or(DEADLINE_MAX);
        Self {
            actor: Actor { subject, roles },
            trace: telemetry::current_trace(),
            time_left: deadline.min(DEADLINE_MAX),
        }
    }
}

/// Reads a `grpc-timeout`: digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// One layer around the whole router: names the service, opens the span, counts the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge(pub &'static str);

impl<S> Layer<S> for Edge {
    type Service = Edged<S>;

    fn layer(&self, inner: S) -> Edged<S> {
        Edged { inner, service: self.0 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Edged<S> {
    inner: S,
    service: &'static str,
}

impl<S> Service<Request<Body>> for Edged<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone that was polled ready goes with the call; a fresh one stays.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let service = self.service;
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let span = telemetry::server_span(service, &method, header(request.headers(), "traceparent"));
        let started = Instant::now();
        let answer = SERVICE.scope(service, async move {
            let answer = inner.call(request).await;
            if let Ok(response) = &answer {
                let code = header(response.headers(), "grpc-status").unwrap_or("0");
                metrics::call(service, method, code_name(code), started.elapsed().as_secs_f64());
            }
            answer
        });
        Box::pin(answer.instrument(span))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn code_name(code: &str) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    code.parse::<usize>().ok().and_then(|code| NAMES.get(code).copied()).unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wire_timeout_is_read() {
        assert_eq!(timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout("3S"), Some(Duration::from_secs(3)));
        for odd in ["", "S", "3", "-3S", "3é", "999999999S"] {
            assert_eq!(timeout(odd), None, "{odd}");
        }
    }
}
