//! What the feed measures.

use std::sync::LazyLock;

use opentelemetry::metrics::Gauge;
use opentelemetry::{KeyValue, global};

static PENDING: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("redress")
        .u64_gauge("redress.feed.pending")
        .with_description("public events that the feed has not, when something was last added to it")
        .build()
});

pub(super) fn pending(service: &'static str, events: u64) {
    PENDING.record(events, &[KeyValue::new("service", service)]);
}
