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
use crate::{call, metrics, status, telemetry};
use holding::Holding;

/// What the lane has for its own answer when time is up.
const LANE_FIRST: Duration = Duration::from_millis(250);

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
        let limit = long
            .map_or_else(|| call::limit(asked), |(_, most)| asked.and_then(call::timeout).unwrap_or(*most).min(*most));
        // Too much is refused at once, before anything is read (P50, G21). Probes are always answered.
        let place = Arc::clone(&self.edge.places).try_acquire_owned().ok();
        let refused = place.is_none() && !is_open;
        let answer = status::within(service, async move {
            if refused {
                metrics::shed(service);
                metrics::call(service, label, "RESOURCE_EXHAUSTED", 0.0);
                return Ok(status::busy(status::SOON).into_http());
            }
            let answer = match tokio::time::timeout(limit + LANE_FIRST, inner.call(request)).await {
                Ok(answer) => answer.map(detailed)?,
                Err(_) => status::late().into_http(),
            };
            let code = code_name(header(answer.headers(), "grpc-status").unwrap_or("0"));
            metrics::call(service, label, code, started.elapsed().as_secs_f64());
            // A stream has only begun. A plain answer is done: who is slow to take it must not keep others out.
            Ok(if is_stream { answer.map(|body| Body::new(Holding::new(body, place))) } else { answer })
        });
        Box::pin(answer.instrument(span))
    }
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
        Code::DeadlineExceeded | Code::Cancelled => return status::late().into_http(),
        _ if is_unreadable(&status) => ("MALFORMED", "the request cannot be read"),
        _ => ("INTERNAL", "it did not work; operators were told"),
    };
    let code = if reason == "MALFORMED" { Code::InvalidArgument } else { status.code() };
    tracing::warn!(code = %status.code(), message = status.message(), "refused by the framework");
    let details = ErrorDetails::with_error_info(reason, status::domain(), []);
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
