//! Whether a service gets on: the moments of its last successes, which readiness looks at, and whether its database is
//! as new as what it published. Times are of the process's own steady clock: a clock that is set cannot make a service
//! look dead or alive.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

/// What a service knows of its own past: whether its database has all that was published under its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Past {
    /// The broker has not been asked yet.
    #[default]
    Unknown,
    /// It has.
    Whole,
    /// It is older than that, as after a restore: nothing may be done on it. Why it is thought so.
    Older(String),
}

/// A moment that one task notes and others look at, or none yet.
#[derive(Debug)]
pub(crate) struct Moment {
    begun: Instant,
    /// In milliseconds after `begun`, or before it; `i64::MAX`: none.
    at: AtomicI64,
}

impl Moment {
    /// The moment of this call.
    pub(crate) fn now() -> Self {
        Self { begun: Instant::now(), at: AtomicI64::new(0) }
    }

    /// None.
    pub(crate) fn none() -> Self {
        Self { begun: Instant::now(), at: AtomicI64::new(i64::MAX) }
    }

    /// It is now.
    pub(crate) fn mark(&self) {
        self.mark_ago(Duration::ZERO);
    }

    /// It was so long ago.
    pub(crate) fn mark_ago(&self, age: Duration) {
        self.at.store(self.elapsed().saturating_sub(millis(age)), Ordering::Relaxed);
    }

    /// It is none.
    pub(crate) fn clear(&self) {
        self.at.store(i64::MAX, Ordering::Relaxed);
    }

    /// How long ago it was; zero: it is none.
    pub(crate) fn age(&self) -> Duration {
        let age = self.elapsed().saturating_sub(self.at.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }

    fn elapsed(&self) -> i64 {
        millis(self.begun.elapsed())
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What the parts of a service report, and readiness reads.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The relay's last round without trouble, also if another replica leads; the start, if there was none.
    pub relay_ok_at: Moment,
    /// When the oldest row that is not published was committed; none: all are.
    relay_oldest_at: Moment,
    past: watch::Sender<Past>,
    /// Signals that a public event is on the broker: to the feed.
    pub public: Notify,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            relay_ok_at: Moment::now(),
            relay_oldest_at: Moment::none(),
            past: watch::Sender::default(),
            public: Notify::new(),
        }
    }
}

impl Progress {
    /// What waits for the relay: committed rows, and the age of the oldest. A follower says that nothing waits.
    pub(crate) fn relay_waits(&self, rows: u64, oldest: Duration) {
        match rows {
            0 => self.relay_oldest_at.clear(),
            _ => self.relay_oldest_at.mark_ago(oldest),
        }
    }

    /// Age of the oldest committed row that is not published; zero: all are. It grows while the relay hangs.
    pub(crate) fn relay_oldest_age(&self) -> Duration {
        self.relay_oldest_at.age()
    }

    /// Notes what is known of the past.
    pub(crate) fn past_is(&self, past: Past) {
        self.past.send_if_modified(|known| {
            let changed = *known != past;
            *known = past;
            changed
        });
    }

    /// Why the database is thought to be older than what was published, if it is.
    pub(crate) fn older(&self) -> Option<String> {
        match &*self.past.borrow() {
            Past::Older(why) => Some(why.clone()),
            Past::Unknown | Past::Whole => None,
        }
    }

    /// Waits until what is known of the past is what is asked for.
    pub(crate) async fn past(&self, wanted: impl FnMut(&Past) -> bool) {
        // The sender is here: it cannot be gone.
        let _ = self.past.subscribe().wait_for(wanted).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_may_lie_before_the_start_and_may_be_none() {
        let moment = Moment::none();
        assert_eq!(moment.age(), Duration::ZERO);
        moment.mark_ago(Duration::from_secs(60));
        assert!(moment.age() >= Duration::from_secs(60));
        moment.mark();
        assert!(moment.age() < Duration::from_secs(60));
        moment.mark_ago(Duration::MAX);
        assert!(moment.age() > Duration::from_secs(60));
        moment.clear();
        assert_eq!(moment.age(), Duration::ZERO);
    }
}
