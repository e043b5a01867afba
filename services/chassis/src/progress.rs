//! Whether a service gets on: the moments of its last successes, which readiness looks at. Times are of the process's
//! own steady clock: a clock that is set cannot make a service look dead or alive.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

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

/// What the parts of a service report, and readiness reads.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    /// The relay's last round without trouble, also if another replica leads.
    pub relay_ok_at: Moment,
    /// When the oldest row that is not published was committed, in milliseconds after the start; `i64::MAX`: all are.
    relay_oldest_at: AtomicI64,
    past: watch::Sender<Past>,
}

/// A moment, in milliseconds after the start; 0: never.
#[derive(Debug, Default)]
pub(crate) struct Moment(AtomicI64);

impl Default for Progress {
    fn default() -> Self {
        let (relay_ok_at, relay_oldest_at) = (Moment::default(), AtomicI64::new(i64::MAX));
        Self { begun: Instant::now(), relay_ok_at, relay_oldest_at, past: watch::Sender::default() }
    }
}

impl Progress {
    fn now(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Notes that something succeeded now, as `progress.mark(&progress.relay_ok_at)`.
    pub(crate) fn mark(&self, moment: &Moment) {
        moment.0.store(self.now().max(1), Ordering::Relaxed);
    }

    /// How long ago it succeeded; since the start if it never has.
    pub(crate) fn age(&self, moment: &Moment) -> Duration {
        let age = self.now().saturating_sub(moment.0.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }

    /// What waits for the relay: committed rows, and the age of the oldest. A follower says that nothing waits.
    pub(crate) fn relay_waits(&self, rows: u64, oldest: Duration) {
        let age = i64::try_from(oldest.as_millis()).unwrap_or(i64::MAX);
        let at = if rows == 0 { i64::MAX } else { self.now().saturating_sub(age) };
        self.relay_oldest_at.store(at, Ordering::Relaxed);
    }

    /// Age of the oldest committed row that is not published; zero: all are. It grows while the relay hangs.
    pub(crate) fn relay_oldest_age(&self) -> Duration {
        let age = self.now().saturating_sub(self.relay_oldest_at.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
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
