//! The one clock of a process. Nothing else asks the machine for the time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// The machine's clock, and an offset that only tests and rehearsals move. A service that starts by its own has no offset and
/// reads none from anywhere.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    moved: Arc<Notify>,
    rehearses: bool,
}

impl Clock {
    /// The clock of a rehearsal, which begins at an instant. Services with it serve only databases that were made for a rehearsal.
    pub fn rehearsal(from: Timestamp) -> Self {
        let clock = Self { rehearses: true, ..Self::default() };
        clock.offset_ms.store(ms(from.duration_since(machine())), Ordering::Relaxed);
        clock
    }

    /// Whether it is the clock of a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.rehearses
    }

    /// Now, rounded to microseconds: what the database can keep.
    pub fn now(&self) -> Timestamp {
        let now = machine() + self.offset();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// How far the clock is moved.
    pub fn offset(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves the clock forward; for tests.
    pub fn advance(&self, by: SignedDuration) {
        self.offset_ms.fetch_add(ms(by), Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// Moves the clock of a rehearsal forward to an instant. It never goes back, whoever moves it at the same time.
    pub fn forward_to(&self, to: Timestamp) -> Result<(), Unmoved> {
        if !self.rehearses {
            return Err(Unmoved::NotARehearsal);
        }
        let machine = machine();
        let now = machine + self.offset();
        if to < now {
            return Err(Unmoved::Backwards { now, to });
        }
        self.offset_ms.fetch_max(ms(to.duration_since(machine)), Ordering::Relaxed);
        self.moved.notify_waiters();
        Ok(())
    }

    /// Ends when the clock is moved after this was called: what is due by then need not wait for the next look.
    pub(crate) fn moved(&self) -> OwnedNotified {
        Arc::clone(&self.moved).notified_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
fn machine() -> Timestamp {
    Timestamp::now()
}

/// Whole milliseconds, not less than it is.
fn ms(duration: SignedDuration) -> i64 {
    let whole = duration.as_millis();
    let part = i128::from(duration.as_nanos() > whole * 1_000_000);
    i64::try_from(whole + part).unwrap_or(i64::MAX)
}

/// Why a clock was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmoved {
    /// It goes by the machine.
    NotARehearsal,
    /// It is later already.
    Backwards {
        /// What the clock says.
        now: Timestamp,
        /// What it was to say.
        to: Timestamp,
    },
}

impl fmt::Display for Unmoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARehearsal => {
                f.write_str("NOT_A_REHEARSAL: this installation goes by the real clock, which nobody moves")
            }
            Self::Backwards { now, to } => {
                write!(f, "CLOCK_BACKWARDS: it is {now}, and {to} is over: time never goes back")
            }
        }
    }
}

impl std::error::Error for Unmoved {}

/// A day of waiting. In the fault tests, and nowhere else, `REDRESS_DAY_S` makes it as short as so many seconds.
#[cfg(not(feature = "faults"))]
pub const fn day() -> SignedDuration {
    SignedDuration::from_hours(24)
}

#[cfg(feature = "faults")]
pub use short::day;

#[cfg(feature = "faults")]
mod short {
    use std::sync::LazyLock;

    use jiff::SignedDuration;

    static DAY: LazyLock<SignedDuration> = LazyLock::new(|| {
        let seconds = std::env::var("REDRESS_DAY_S").ok().and_then(|text| text.parse().ok());
        SignedDuration::from_secs(seconds.unwrap_or(24 * 60 * 60))
    });

    /// A day of waiting.
    pub fn day() -> SignedDuration {
        *DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_clock_is_not_moved_by_anybody() {
        let clock = Clock::default();
        let later = clock.now() + SignedDuration::from_hours(1);
        assert_eq!(clock.forward_to(later), Err(Unmoved::NotARehearsal));
        assert_eq!(clock.offset(), SignedDuration::ZERO);
        assert!(!clock.is_rehearsal());
    }

    #[test]
    fn a_rehearsal_begins_where_it_is_told_to_and_all_its_clocks_move_together() {
        let from: Timestamp = "2026-09-28T01:00:00Z".parse().unwrap();
        let clock = Clock::rehearsal(from);
        let other = clock.clone();
        assert!(clock.now() >= from && clock.now() < from + SignedDuration::from_mins(1));
        let to: Timestamp = "2026-10-08T06:00:00Z".parse().unwrap();
        clock.forward_to(to).unwrap();
        assert!(other.now() >= to && other.now() < to + SignedDuration::from_mins(1));
        assert!(matches!(other.forward_to(from), Err(Unmoved::Backwards { .. })));
        assert!(clock.now() >= to);
    }

    #[tokio::test]
    async fn who_waits_hears_of_a_move_also_before_it_looks() {
        let clock = Clock::rehearsal(Timestamp::UNIX_EPOCH);
        let moved = clock.moved();
        clock.forward_to(clock.now() + SignedDuration::from_hours(1)).unwrap();
        moved.await;
    }

    #[test]
    fn time_never_goes_back() {
        let from: Timestamp = "2026-09-28T01:00:00Z".parse().unwrap();
        let clock = Clock::rehearsal(from);
        let mut seen = from;
        // Forward, backward and not at all, by steps that do not repeat for long.
        for step in 0_i64..500 {
            let to = seen + SignedDuration::from_millis(step * 7_919 % 200_003 - 100_000);
            let moved = clock.forward_to(to);
            let now = clock.now();
            assert!(now >= seen, "{now} is before {seen}");
            assert!(moved.is_err() || now >= to, "{now} is before {to}");
            seen = now;
        }
        let others = std::iter::repeat_with(|| clock.clone()).take(4);
        let moves = others.map(|clock| std::thread::spawn(move || moved_by_many(&clock))).collect::<Vec<_>>();
        moves.into_iter().for_each(|moved| moved.join().unwrap());
    }

    fn moved_by_many(clock: &Clock) {
        for step in 0..200 {
            let before = clock.now();
            let to = before + SignedDuration::from_secs(step);
            let moved = clock.forward_to(to);
            let now = clock.now();
            assert!(now >= before && (moved.is_err() || now >= to));
        }
    }
}
