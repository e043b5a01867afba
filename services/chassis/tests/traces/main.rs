//! One trace from the caller to the collector, the journal and the broker.
//!
//! Telemetry starts once in a process, and the first service decides where traces go: so this is one test, in a test
//! binary of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "a test plays the collector and the sender of a message")]

#[path = "../it/toy.rs"]
mod toy;

use std::sync::{Arc, Mutex};

use async_nats::HeaderMap;
use chassis::Clock;
use chassis::topology::stream_name;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use proto::inventory::AdjustStockRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use sqlx::Row;
use testkit::{Home, TestService};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use uuid::Uuid;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const MESSAGE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// An OTLP collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Span)>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().unwrap();
        for part in request.into_inner().resource_spans {
            let attributes = part.resource.unwrap_or_default().attributes;
            let named = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let name = match named.and_then(|attribute| attribute.value?.value) {
                Some(Value::StringValue(name)) => name,
                other => panic!("a span without the name of its service: {other:?}"),
            };
            let spans = part.scope_spans.into_iter().flat_map(|scope| scope.spans);
            kept.extend(spans.map(|span| (name.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Serves until the test ends; gives its address.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder().add_service(TraceServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    fn of(&self, trace: &str) -> Vec<(String, Span)> {
        let kept = self.0.lock().unwrap();
        kept.iter().filter(|(_, span)| hex(&span.trace_id) == trace).cloned().collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a pile grow under the caller's trace; gives the request id.
async fn call(service: &TestService, pile: &str, traceparent: &str) -> Uuid {
    let request_id = testkit::request_id();
    let body = AdjustStockRequest {
        request_id: request_id.clone(),
        sku: pile.to_owned(),
        delta: 1,
        ..AdjustStockRequest::default()
    };
    let mut request = Request::new(body);
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    InventoryServiceClient::new(service.channel()).adjust_stock(request).await.unwrap();
    request_id.parse().unwrap()
}

/// A message with a trace of its own; gives its event id.
async fn tell(service: &TestService, pile: &str, traceparent: &str) -> Uuid {
    let (event_id, message) = (Uuid::now_v7(), toy::grow(pile, 1));
    let mut headers = HeaderMap::new();
    headers.insert("ce-id", event_id.to_string());
    headers.insert("ce-source", "/redress/orchestrator");
    headers.insert("ce-subject", message.aggregate().to_string());
    headers.insert("traceparent", traceparent);
    let address = message.subject().under(&service.home.prefix);
    let sent = service.jetstream().publish_with_headers(address, headers, message.payload().to_vec().into()).await;
    sent.unwrap().await.unwrap();
    service.settled(event_id).await;
    event_id
}

/// The trace that was journalled for a cause, after a look that its published message carries the same.
async fn carried(service: &TestService, cause: Uuid) -> String {
    let query = "SELECT event_id::text, subject, trace FROM journal WHERE cause = $1";
    let row = sqlx::query(query).bind(cause).fetch_one(service.pool()).await.unwrap();
    let trace: String = row.get::<Option<String>, _>("trace").expect("the journal row has a trace");
    let (event_id, subject): (String, String) = (row.get("event_id"), row.get("subject"));

    let stream = stream_name(&service.home.prefix, "EVENTS");
    let mut stream = service.jetstream().get_stream(&stream).await.unwrap();
    let last = stream.info().await.unwrap().state.last_sequence;
    for sequence in 1..=last {
        let message = stream.get_raw_message(sequence).await.unwrap();
        if message.headers.get("ce-id").is_some_and(|id| id.as_str() == event_id) {
            assert_eq!(message.subject.as_str(), format!("{}.v1.{subject}", service.home.prefix));
            assert_eq!(message.headers.get("traceparent").map(|value| value.as_str()), Some(trace.as_str()));
            return trace;
        }
    }
    panic!("the message {event_id} was not published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_from_the_caller_to_the_collector_the_journal_and_the_broker() {
    let collector = Collector::default();
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables.push(("TELEMETRY__OTLP".to_owned(), collector.serve().await));
    let mut service = TestService::at(home, Clock::default()).await;

    let sampled = call(&service, "a", &format!("00-{TRACE}-{CALLER}-01")).await;
    let broken = call(&service, "b", "no trace at all").await;
    let told = tell(&service, "c", MESSAGE).await;
    // An ordered end publishes the journal and sends what the collector has not seen yet.
    service.stop().await;

    let spans = collector.of(TRACE);
    let [(name, span)] = spans.as_slice() else { panic!("not one span of the call: {spans:?}") };
    assert_eq!(name, "redress-inventory");
    assert_eq!(span.name, "redress.inventory.v1.InventoryService/AdjustStock");
    assert_eq!(span.kind(), SpanKind::Server);
    assert_eq!(hex(&span.parent_span_id), CALLER, "the caller's span is the parent");
    // What comes of the call is a child of its span, not of the caller's.
    assert_eq!(carried(&service, sampled).await, format!("00-{TRACE}-{}-01", hex(&span.span_id)));

    let fresh = carried(&service, broken).await;
    let trace = fresh.split('-').nth(1).unwrap();
    assert!(trace != TRACE && collector.of(trace).len() == 1, "a call without a trace starts one: {fresh}");
    assert_eq!(carried(&service, told).await, MESSAGE, "a message hands its trace on");

    let kept = collector.0.lock().unwrap();
    assert!(kept.iter().all(|(_, span)| span.kind() == SpanKind::Server), "the export is exported: {kept:?}");
}
