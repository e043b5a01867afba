//! What is measured of a service's parts, once a second.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::{Gauge, Histogram};
use opentelemetry::{KeyValue, global};
use sqlx::PgPool;

use crate::nats;

struct Instruments {
    ready: Gauge<u64>,
    connected: Gauge<u64>,
    connects: Gauge<u64>,
    pending: Gauge<u64>,
    ack_pending: Gauge<u64>,
    depth: Gauge<u64>,
    oldest: Gauge<f64>,
    sweep: Gauge<f64>,
    parked: Gauge<u64>,
    size: Gauge<u64>,
    idle: Gauge<u64>,
    acquire: Histogram<f64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("redress");
    let count = |name: &'static str, what: &'static str| meter.u64_gauge(name).with_description(what).build();
    let age =
        |name: &'static str, what: &'static str| meter.f64_gauge(name).with_unit("s").with_description(what).build();
    Instruments {
        ready: count("redress.ready", "1: somebody may be sent here; as /readyz says"),
        connected: count("redress.broker.connected", "1: there is a connection to the broker"),
        connects: count("redress.broker.connects", "connections made to the broker since the start"),
        pending: count(
            "redress.consumer.pending",
            "messages for the service that were not delivered yet; a batch is one",
        ),
        ack_pending: count(
            "redress.consumer.ack.pending",
            "messages that were delivered and are not acknowledged; a batch is one",
        ),
        depth: count("redress.lane.depth", "commands that wait in a lane"),
        oldest: age("redress.lane.oldest", "how long the oldest command of a lane has waited"),
        sweep: age(
            "redress.sweep.lag",
            "how long what is due may have waited at the most: since the last scan that left nothing",
        ),
        parked: count("redress.parked.waiting", "parked messages that wait for an operator, by reason"),
        size: count("redress.pool.size", "connections of the pool for reads"),
        idle: count("redress.pool.idle", "connections of the pool for reads that nobody uses"),
        acquire: meter
            .f64_histogram("redress.pool.acquire")
            .with_unit("s")
            .with_description("time until the pool gave a connection, probed once a second")
            .with_boundaries(vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 3.0])
            .build(),
    }
});

fn labels(service: &'static str) -> [KeyValue; 1] {
    [KeyValue::new("service", service)]
}

pub(super) fn ready(service: &'static str, ready: bool) {
    INSTRUMENTS.ready.record(u64::from(ready), &labels(service));
}

pub(super) fn broker(service: &'static str, connected: bool, client: &async_nats::Client) {
    INSTRUMENTS.connected.record(u64::from(connected), &labels(service));
    INSTRUMENTS.connects.record(nats::connects(client), &labels(service));
}

pub(super) fn consumer(service: &'static str, pending: u64, ack_pending: u64) {
    INSTRUMENTS.pending.record(pending, &labels(service));
    INSTRUMENTS.ack_pending.record(ack_pending, &labels(service));
}

pub(super) fn lane(service: &'static str, lane: usize, waiting: usize, oldest: Duration) {
    let labels = [KeyValue::new("service", service), KeyValue::new("lane", i64::try_from(lane).unwrap_or(0))];
    INSTRUMENTS.depth.record(waiting as u64, &labels);
    INSTRUMENTS.oldest.record(oldest.as_secs_f64(), &labels);
}

pub(super) fn sweep(service: &'static str, sweep: &'static str, lag: Duration) {
    let labels = [KeyValue::new("service", service), KeyValue::new("sweep", sweep)];
    INSTRUMENTS.sweep.record(lag.as_secs_f64(), &labels);
}

pub(super) fn parked(service: &'static str, reasons: &BTreeMap<String, i64>) {
    for (reason, waiting) in reasons {
        let labels = [KeyValue::new("service", service), KeyValue::new("reason", reason.clone())];
        INSTRUMENTS.parked.record(u64::try_from(*waiting).unwrap_or(0), &labels);
    }
}

pub(super) fn pool(service: &'static str, pool: &PgPool, acquire: Option<Duration>) {
    INSTRUMENTS.size.record(u64::from(pool.size()), &labels(service));
    INSTRUMENTS.idle.record(pool.num_idle() as u64, &labels(service));
    if let Some(acquire) = acquire {
        INSTRUMENTS.acquire.record(acquire.as_secs_f64(), &labels(service));
    }
}
