//! What a call carries besides its request: who calls, until when, under which trace.

use std::time::Duration;

use crate::meta::Actor;
use crate::telemetry;

/// A call without a deadline of its own gets this one; no call gets more.
/// It is below what a service has for its recovery: a read that hangs on a dead link ends before (P32, P43).
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(10);

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

/// What a call has: what it asks for, and no more than there is.
pub(crate) fn limit(asked: Option<&str>) -> Duration {
    asked.and_then(timeout).unwrap_or(DEADLINE_MAX).min(DEADLINE_MAX)
}

/// Reads a `grpc-timeout`: digits and a unit.
pub(crate) fn timeout(text: &str) -> Option<Duration> {
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
