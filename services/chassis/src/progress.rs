//! Whether a service gets on: the moments of its last successes, which readiness looks at. Times are of the process's
//! own steady clock: a clock that is set cannot make a service look dead or alive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the parts of a service report, and readiness reads.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    /// The relay's last round that found nothing wrong, also if another replica leads.
    pub relay_ok_at: Moment,
    /// Age of the oldest committed row that is not published, in milliseconds; 0: all are. Only the leader knows it.
    pub relay_oldest_age_ms: AtomicU64,
    /// Committed rows that are not published, as the last round saw them: none, what is left of a round, or more.
    pub relay_rows: AtomicU64,
    /// The consumer's last success.
    pub consumer_ok_at: Moment,
    /// The last batch that a lane committed.
    pub lane_ok_at: Moment,
}

/// A moment, in milliseconds after the start; 0: never.
#[derive(Debug, Default)]
pub(crate) struct Moment(AtomicU64);

impl Default for Progress {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            relay_ok_at: Moment::default(),
            relay_oldest_age_ms: AtomicU64::new(0),
            relay_rows: AtomicU64::new(0),
            consumer_ok_at: Moment::default(),
            lane_ok_at: Moment::default(),
        }
    }
}

impl Progress {
    /// Notes that something succeeded now, as `progress.mark(&progress.relay_ok_at)`.
    pub(crate) fn mark(&self, moment: &Moment) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        moment.0.store(now.max(1), Ordering::Relaxed);
    }

    /// How long ago it succeeded; since the start if it never has.
    pub(crate) fn age(&self, moment: &Moment) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(moment.0.load(Ordering::Relaxed)))
    }

    /// What a round of the relay found: rows that wait, and the age of the oldest.
    pub(crate) fn relay(&self, rows: u64, oldest: Duration) {
        self.mark(&self.relay_ok_at);
        self.relay_waits(rows, oldest);
    }

    /// What waits, without a success.
    pub(crate) fn relay_waits(&self, rows: u64, oldest: Duration) {
        let age = if rows == 0 { 0 } else { u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX).max(1) };
        self.relay_oldest_age_ms.store(age, Ordering::Relaxed);
        self.relay_rows.store(rows, Ordering::Relaxed);
    }
}
