//! What the relay measures, from its rounds: no query is made for it.

use std::sync::LazyLock;

use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

struct Instruments {
    republished: Counter<u64>,
    lag: Gauge<f64>,
    backlog: Gauge<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("redress");
    Instruments {
        republished: meter
            .u64_counter("redress.relay.republished")
            .with_description("journal rows published again: the broker lost them, or an operator asked")
            .build(),
        lag: meter
            .f64_gauge("redress.relay.lag")
            .with_unit("s")
            .with_description("age of the oldest committed journal row that is not published")
            .build(),
        backlog: meter
            .u64_gauge("redress.relay.backlog")
            .with_description("committed journal rows that are not published; 500 is 500 or more")
            .build(),
    }
});

pub(super) fn republished(service: &'static str, rows: u64) {
    INSTRUMENTS.republished.add(rows, &[KeyValue::new("service", service)]);
}

pub(super) fn waits(service: &'static str, rows: u64, seconds: f64) {
    let labels = [KeyValue::new("service", service)];
    INSTRUMENTS.lag.record(seconds, &labels);
    INSTRUMENTS.backlog.record(rows, &labels);
}
