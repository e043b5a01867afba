//! How far the calendars are known: whoever keeps the pack is told in time that holidays of the next year are missing.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chassis::Clock;
use jiff::Timestamp;
use opentelemetry::metrics::Gauge;
use opentelemetry::{KeyValue, global};
use proto::policy::Packs;
use proto::policy::escalation::Escalation;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Days before the end of which the log warns: official calendars are published about so long before the year.
const WARN_DAYS: i64 = 60;

static LEFT: LazyLock<Gauge<i64>> = LazyLock::new(|| {
    global::meter("redress")
        .i64_gauge("redress.calendar.known.left")
        .with_unit("d")
        .with_description("days until the last day of which the holidays are known; below zero: since then")
        .build()
});

/// Tells at the start and once a day.
pub(crate) async fn run(packs: Arc<Packs>, clock: Clock) {
    loop {
        let rules = &packs.in_force(clock.now()).rules.escalation;
        for (calendar, left) in left(rules, clock.now()) {
            LEFT.record(left, &[KeyValue::new("calendar", calendar.to_owned())]);
            if left < WARN_DAYS {
                tracing::warn!(
                    calendar,
                    days_left = left,
                    "the calendar ends soon: deadlines beyond its known_until are provisional, the policy pack needs the next \
                     holidays"
                );
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Days that are left of each calendar.
fn left(rules: &Escalation, now: Timestamp) -> Vec<(&str, i64)> {
    let days = rules.calendars.iter().map(|(name, calendar)| {
        let today = calendar.time_zone.to_datetime(now).date();
        (name.as_str(), calendar.known_until.duration_since(today).as_hours() / 24)
    });
    days.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ff6_days_that_are_left_are_those_of_the_calendar() {
        let rules = proto::policy::Pack::load(None).unwrap().escalation;
        let left = |now: &str| left(&rules, now.parse().unwrap())[0];
        assert_eq!(left("2027-11-01T12:00:00Z"), ("office", WARN_DAYS));
        assert_eq!(left("2027-11-02T00:00:00Z"), ("office", WARN_DAYS - 1));
        assert_eq!(left("2028-01-02T00:00:00Z"), ("office", -2));
    }
}
