//! What is counted of calls.

use std::sync::LazyLock;

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

static READS_REFUSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    let meter = global::meter("redress");
    let counter = meter.u64_counter("redress.contact.reads.refused");
    counter.with_description("reads of personal data that were refused: too many of one person in an hour").build()
});

/// Somebody has read as often as an hour may have.
pub(super) fn reads_refused() {
    READS_REFUSED.add(1, &[KeyValue::new("service", "intake")]);
}
