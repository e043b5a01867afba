//! The one clock of a process. Nothing else asks the machine for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The machine's clock, and an offset that only tests move.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Now, rounded to microseconds: what the database can keep.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now() + self.offset();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// How far the clock is moved.
    pub fn offset(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves the clock forward; for tests.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

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
