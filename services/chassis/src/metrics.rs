//! What is counted. Names are those of a scrape: dots become underscores, counters end in `_total`.

use std::sync::LazyLock;

use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use opentelemetry::{KeyValue, global};

struct Instruments {
    batches: Histogram<u64>,
    failed: Counter<u64>,
    conflicts: Counter<u64>,
    parked: Counter<u64>,
    published: Counter<u64>,
    consumed: Counter<u64>,
    begun_anew: Counter<u64>,
    permission_denied: Counter<u64>,
    calls: Histogram<f64>,
    shed: Counter<u64>,
    denied: Counter<u64>,
    connected: Counter<u64>,
    certificate_left: Gauge<f64>,
    reload_failed: Counter<u64>,
    ended: Gauge<u64>,
    started: Gauge<f64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter: Meter = global::meter("redress");
    Instruments {
        batches: meter.u64_histogram("redress.lane.batch").with_description("commands in a batch").build(),
        failed: meter.u64_counter("redress.lane.failed").with_description("batches that were rolled back").build(),
        conflicts: meter
            .u64_counter("redress.lane.conflicts")
            .with_description("batches that were run again under locks")
            .build(),
        parked: meter.u64_counter("redress.parked").with_description("messages parked, by reason").build(),
        published: meter.u64_counter("redress.relay.published").with_description("journal rows published").build(),
        consumed: meter
            .u64_counter("redress.consumer.consumed")
            .with_description("messages taken, by outcome; each of a batch")
            .build(),
        begun_anew: meter
            .u64_counter("redress.consumer.begun_anew")
            .with_description("consumers that began anew because the broker lost messages")
            .build(),
        permission_denied: meter
            .u64_counter("redress.nats.permission.denied")
            .with_description("times that the broker denied the service a permission")
            .build(),
        calls: meter
            .f64_histogram("rpc.server.call.duration")
            .with_unit("s")
            .with_boundaries(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
            .build(),
        shed: meter.u64_counter("redress.calls.shed").with_description("calls refused because too many run").build(),
        denied: meter.u64_counter("redress.calls.denied").with_description("calls not let in, by why").build(),
        connected: meter
            .u64_counter("redress.database.connects")
            .with_description("connections that the pool for reads has made")
            .build(),
        certificate_left: meter
            .f64_gauge("redress.certificate.left")
            .with_unit("s")
            .with_description("time until the certificate of the gRPC port ends; below zero: since then")
            .build(),
        reload_failed: meter
            .u64_counter("redress.reload.failed")
            .with_description("changed files or keys that could not be taken, by what: certificates, jwks, ended")
            .build(),
        ended: meter
            .u64_gauge("redress.auth.ended")
            .with_description("subjects on the list of those whose access has ended")
            .build(),
        started: meter
            .f64_gauge("redress.start")
            .with_unit("s")
            .with_description("time from the start of the service until it served")
            .build(),
    }
});

fn service(name: &'static str) -> KeyValue {
    KeyValue::new("service", name)
}

pub(crate) fn batch(name: &'static str, commands: usize) {
    INSTRUMENTS.batches.record(commands as u64, &[service(name)]);
}

pub(crate) fn conflicts(name: &'static str) {
    INSTRUMENTS.conflicts.add(1, &[service(name)]);
}

pub(crate) fn batch_failed(name: &'static str) {
    INSTRUMENTS.failed.add(1, &[service(name)]);
}

pub(crate) fn parked(name: &'static str, reason: &'static str) {
    INSTRUMENTS.parked.add(1, &[service(name), KeyValue::new("reason", reason)]);
}

pub(crate) fn published(name: &'static str, rows: usize) {
    INSTRUMENTS.published.add(rows as u64, &[service(name)]);
}

pub(crate) fn begun_anew(name: &'static str) {
    INSTRUMENTS.begun_anew.add(1, &[service(name)]);
}

pub(crate) fn permission_denied(name: &'static str) {
    INSTRUMENTS.permission_denied.add(1, &[service(name)]);
}

pub(crate) fn consumed(name: &'static str, outcome: &'static str, count: u64) {
    INSTRUMENTS.consumed.add(count, &[service(name), KeyValue::new("outcome", outcome)]);
}

pub(crate) fn call(name: &'static str, method: String, code: &'static str, seconds: f64) {
    let labels = [service(name), KeyValue::new("rpc.method", method), KeyValue::new("rpc.status_code", code)];
    INSTRUMENTS.calls.record(seconds, &labels);
}

pub(crate) fn shed(name: &'static str) {
    INSTRUMENTS.shed.add(1, &[service(name)]);
}

pub(crate) fn denied(name: &'static str, why: &'static str) {
    INSTRUMENTS.denied.add(1, &[service(name), KeyValue::new("why", why)]);
}

pub(crate) fn connected(name: &'static str) {
    INSTRUMENTS.connected.add(1, &[service(name)]);
}

pub(crate) fn certificate_left(name: &'static str, seconds: f64) {
    INSTRUMENTS.certificate_left.record(seconds, &[service(name)]);
}

pub(crate) fn reload_failed(name: &'static str, what: &'static str) {
    INSTRUMENTS.reload_failed.add(1, &[service(name), KeyValue::new("what", what)]);
}

pub(crate) fn ended(name: &'static str, subjects: usize) {
    INSTRUMENTS.ended.record(subjects as u64, &[service(name)]);
}

pub(crate) fn started(name: &'static str, seconds: f64) {
    INSTRUMENTS.started.record(seconds, &[service(name)]);
}
