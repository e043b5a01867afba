//! What the sealer measures.

use std::sync::LazyLock;

use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

struct Instruments {
    sealed: Counter<u64>,
    unsealed: Gauge<f64>,
    checkpoint: Gauge<u64>,
    trouble: Gauge<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("redress");
    Instruments {
        sealed: meter.u64_counter("redress.audit.sealed").with_description("links added to the audit chain").build(),
        unsealed: meter
            .f64_gauge("redress.audit.unsealed")
            .with_unit("s")
            .with_description("age of the oldest row that belongs into the audit chain and is not in it")
            .build(),
        checkpoint: meter
            .u64_gauge("redress.audit.checkpoint")
            .with_description("number of the link that was signed last")
            .build(),
        trouble: meter
            .u64_gauge("redress.audit.trouble")
            .with_description("1: the chain is not what was signed, or no checkpoint can be written")
            .build(),
    }
});

pub(super) fn sealed(service: &'static str, links: usize) {
    INSTRUMENTS.sealed.add(links as u64, &[KeyValue::new("service", service)]);
}

pub(super) fn unsealed(service: &'static str, seconds: f64) {
    INSTRUMENTS.unsealed.record(seconds.max(0.0), &[KeyValue::new("service", service)]);
}

pub(super) fn checkpoint(service: &'static str, number: u64) {
    INSTRUMENTS.checkpoint.record(number, &[KeyValue::new("service", service)]);
}

pub(super) fn trouble(service: &'static str, trouble: bool) {
    INSTRUMENTS.trouble.record(u64::from(trouble), &[KeyValue::new("service", service)]);
}
