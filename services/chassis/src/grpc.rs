//! The gRPC edge: who calls, until when, under which trace.
//!
//! - `holding`: a stream has its place until it ends.

mod holding;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::auth::Rules;
use crate::auth::rules::Who;
use crate::meta::Actor;
use crate::{lane, metrics, telemetry};
use holding::Holding;

/// A call without a deadline of its own gets this one; no call gets more.
/// It is below what a service has for its recovery: a read that hangs on a dead link ends before (P32, P43).
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(10);

/// What the lane has for its own answer when time is up.
const LANE_FIRST: Duration = Duration::from_millis(250);

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
        // The gate lets nobody through without one; a method that is open to all has no business with it.
        let actor = request.extensions().get::<Actor>().cloned().unwrap_or_else(|| Actor::new("anonymous", &[]));
        let time_left = limit(text("grpc-timeout"));
        Self { actor, trace: telemetry::current_trace(), time_left }
    }

    /// A call of a service to itself.
    pub fn own(service: &str) -> Self {
        Self { actor: Actor::service(service), trace: telemetry::current_trace(), time_left: DEADLINE_MAX }
    }
}

/// Whether a subject is an opaque reference: it is published with decisions, so it must not be a mail address or a name
/// with blanks.
pub(crate) fn is_reference(subject: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    (1..=64).contains(&subject.len()) && subject.bytes().all(fits)
}

/// What a call has: what it asks for, and no more than there is.
fn limit(asked: Option<&str>) -> Duration {
    asked.and_then(timeout).unwrap_or(DEADLINE_MAX).min(DEADLINE_MAX)
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

/// Methods that take longer than others by their nature, and what each gets.
pub(crate) type Long = &'static [(&'static str, Duration)];

/// One layer around the whole router: names the service, opens the span, counts the call, and refuses what is too much.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    service: &'static str,
    long: Long,
    places: Arc<Semaphore>,
    rules: Rules,
}

impl Edge {
    /// An edge behind which at most `calls` calls run at once.
    pub(crate) fn new((service, long): (&'static str, Long), calls: usize, rules: Rules) -> Self {
        Self { service, long, places: Arc::new(Semaphore::new(calls)), rules }
    }
}

impl<S> Layer<S> for Edge {
    type Service = Edged<S>;

    fn layer(&self, inner: S) -> Edged<S> {
        Edged { inner, edge: self.clone() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Edged<S> {
    inner: S,
    edge: Edge,
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
        let service = self.edge.service;
        let method = request.uri().path().trim_start_matches('/').to_owned();
        // A path that nobody serves is not a label: there is no end of them.
        let rule = self.edge.rules.get(&method);
        let label = if rule.is_some() { method.clone() } else { "unknown".to_owned() };
        let (is_open, is_stream) = rule.map_or((false, false), |rule| (rule.who == Who::All, rule.stream));
        let span = telemetry::server_span(service, &method, header(request.headers(), "traceparent"));
        let started = Instant::now();
        // The lane tells first that time is up, because it knows what to advise.
        let asked = header(request.headers(), "grpc-timeout");
        let long = self.edge.long.iter().find(|(name, _)| *name == method);
        let limit = long.map_or_else(|| limit(asked), |(_, most)| asked.and_then(timeout).unwrap_or(*most).min(*most));
        // Too much is refused at once, before anything is read (P50, G21). Probes are always answered.
        let place = Arc::clone(&self.edge.places).try_acquire_owned().ok();
        let refused = place.is_none() && !is_open;
        let answer = SERVICE.scope(service, async move {
            if refused {
                metrics::shed(service);
                metrics::call(service, label, "RESOURCE_EXHAUSTED", 0.0);
                return Ok(lane::busy(lane::SOON).into_http());
            }
            let answer = match tokio::time::timeout(limit + LANE_FIRST, inner.call(request)).await {
                Ok(answer) => answer.map(detailed)?,
                Err(_) => late().into_http(),
            };
            let code = code_name(header(answer.headers(), "grpc-status").unwrap_or("0"));
            metrics::call(service, label, code, started.elapsed().as_secs_f64());
            // A stream has only begun. A plain answer is done: who is slow to take it must not keep others out.
            Ok(if is_stream { answer.map(|body| Body::new(Holding::new(body, place))) } else { answer })
        });
        Box::pin(answer.instrument(span))
    }
}

/// The status of a call whose time is up.
pub(crate) fn late() -> Status {
    let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", domain(), []);
    let advice = "the answer is not known yet; ask again with the same request_id";
    Status::with_error_details(Code::DeadlineExceeded, advice, details)
}

/// A refusal of the framework gets what a refusal of ours has: a reason.
fn detailed(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    let refused = header(headers, "grpc-status").is_some_and(|code| code != "0");
    if !refused || headers.contains_key("grpc-status-details-bin") {
        return response;
    }
    let Some(status) = Status::from_header_map(headers) else { return response };
    let (reason, message) = match status.code() {
        Code::OutOfRange => ("TOO_LARGE", "the request has more bytes than are taken"),
        // What is small on the wire and huge behind it is not unpacked (P46).
        Code::Unimplemented if status.message().starts_with("Content is compressed") => {
            ("COMPRESSED", "compressed requests are not taken")
        }
        Code::Unimplemented => ("UNKNOWN_METHOD", "there is no such method"),
        Code::DeadlineExceeded | Code::Cancelled => return late().into_http(),
        _ if is_unreadable(&status) => ("MALFORMED", "the request cannot be read"),
        _ => ("INTERNAL", "it did not work; operators were told"),
    };
    let code = if reason == "MALFORMED" { Code::InvalidArgument } else { status.code() };
    tracing::warn!(code = %status.code(), message = status.message(), "refused by the framework");
    let details = ErrorDetails::with_error_info(reason, domain(), []);
    Status::with_error_details(code, message, details).into_http()
}

/// Whether the framework could not read a request. It says INTERNAL for that, but it is the caller's mistake.
fn is_unreadable(status: &Status) -> bool {
    let words = ["failed to decode Protobuf message", "protocol error"];
    status.code() == Code::InvalidArgument
        || status.code() == Code::Internal && words.iter().any(|word| status.message().starts_with(word))
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
