//! Logs as JSON lines, traces to a collector if one is configured, metrics for a scrape. Once per process.

use std::sync::OnceLock;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::settings::Telemetry;

static REGISTRY: OnceLock<Registry> = OnceLock::new();
static TRACES: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Starts logs, traces and metrics of this process; later calls change nothing.
pub(crate) fn start(service: &str, settings: &Telemetry) -> anyhow::Result<()> {
    registry();
    // At its loudest the client of the broker logs messages whole: what others have put there is not for logs (S23).
    let whole = Targets::new().with_default(LevelFilter::TRACE).with_target("async_nats", LevelFilter::DEBUG);
    let filter = EnvFilter::try_new(&settings.log)?.and(whole);
    let logs = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).with_filter(filter);
    let traces = match &settings.otlp {
        Some(address) => Some(traces(service, address)?),
        None => None,
    };
    // A second service in the same process uses what the first has started.
    let _ = tracing_subscriber::registry().with(logs).with(traces).try_init();
    Ok(())
}

fn traces<S>(service: &str, address: &str) -> anyhow::Result<impl Layer<S> + use<S>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a> + Send + Sync,
{
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(address).build()?;
    let resource = Resource::builder().with_service_name(format!("redress-{service}")).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("redress");
    let _ = TRACES.set(provider);
    // What carries the export must not be exported.
    let filter =
        EnvFilter::new("info,h2=off,hyper=off,tonic=off,tower=off,opentelemetry=off,async_nats=warn,sqlx=warn");
    Ok(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter))
}

/// The registry that `/metrics` shows.
pub(crate) fn registry() -> &'static Registry {
    REGISTRY.get_or_init(|| {
        let registry = Registry::new();
        let exporter =
            opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false).build();
        if let Ok(exporter) = exporter {
            let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
            let resource = Resource::builder().with_attribute(version).build();
            global::set_meter_provider(
                SdkMeterProvider::builder().with_reader(exporter).with_resource(resource).build(),
            );
        }
        registry
    })
}

/// Sends what is still to be sent to the collector.
pub(crate) fn flush() {
    if let Some(provider) = TRACES.get() {
        let _ = provider.force_flush();
    }
}

struct Carrier<'a>(&'a str);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

#[derive(Default)]
struct Injected(Option<String>);

impl Injector for Injected {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = Some(value);
        }
    }
}

/// The span of a call; its parent is set before it is entered, else the remote trace would be lost.
pub(crate) fn server_span(service: &'static str, method: &str, parent: Option<&str>) -> Span {
    let span = tracing::info_span!("call", otel.name = method, otel.kind = "server", service);
    if let Some(parent) = parent {
        let context = TraceContextPropagator::new().extract(&Carrier(parent));
        let _ = span.set_parent(context);
    }
    span
}

/// The trace context to be journalled; `None` if nobody traces.
pub(crate) fn current_trace() -> Option<String> {
    let mut injected = Injected::default();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut injected);
    injected.0
}
