//! One bucket of calls for each caller, in a table that has an end.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Callers that have a bucket of their own: some megabytes at the most.
const OWN_MAX: usize = 50_000;
/// Buckets that all others share while there are that many.
const SHARED: u64 = 1_024;
/// Calls between two looks at the size of the table.
const LOOK_EVERY: usize = 256;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_second: u32,
    pub burst: u32,
}

/// A bucket for each caller.
pub struct Buckets<C: Clock = DefaultClock> {
    limiter: RateLimiter<u64, HashMapStateStore<u64>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    names: RandomState,
    taken: AtomicUsize,
    full: AtomicBool,
}

impl Buckets {
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, DefaultClock::default())
    }

    /// So many come together after a pause, and as many within a day.
    pub fn per_day(calls: u32) -> Self {
        let calls = NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(DAY / calls.get()).unwrap_or(Quota::per_hour(calls)).allow_burst(calls);
        Self::with_quota(quota, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Buckets<C> {
    fn with_clock(rate: Rate, clock: C) -> Self {
        let quota = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self::with_quota(Quota::per_second(quota(rate.per_second)).allow_burst(quota(rate.burst)), clock)
    }

    fn with_quota(quota: Quota, clock: C) -> Self {
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { limiter, clock, names: RandomState::new(), taken: AtomicUsize::new(0), full: AtomicBool::new(false) }
    }

    /// Takes one call out of a caller's bucket; an empty one says when to come again.
    pub fn take(&self, caller: &impl Hash) -> Result<(), Duration> {
        if self.taken.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK_EVERY) {
            self.look();
        }
        // The name is hashed with a key of this process: nobody can choose to share a bucket.
        let name = self.names.hash_one(caller);
        let name = if self.full.load(Ordering::Relaxed) { name % SHARED } else { name };
        self.limiter.check_key(&name).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// A full bucket is as good as none: it is forgotten when there are many.
    fn look(&self) {
        if self.limiter.len() > OWN_MAX / 2 {
            self.limiter.retain_recent();
        }
        self.full.store(self.limiter.len() >= OWN_MAX, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn buckets(per_second: u32, burst: u32) -> (Buckets<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Buckets::with_clock(Rate { per_second, burst }, clock.clone()), clock)
    }

    #[test]
    fn a_caller_has_its_burst_and_then_its_rate() {
        let (buckets, clock) = buckets(10, 5);
        assert_eq!((0..9).filter(|_| buckets.take(&"anna").is_ok()).count(), 5);
        let wait = buckets.take(&"anna").unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        buckets.take(&"bob").unwrap();
        clock.advance(wait);
        buckets.take(&"anna").unwrap();
        assert!(buckets.take(&"anna").is_err());
        clock.advance(Duration::from_secs(60));
        assert_eq!((0..9).filter(|_| buckets.take(&"anna").is_ok()).count(), 5, "a pause fills it, and no more");
    }

    /// S31: many keys do not make the table grow without end, and do not empty the bucket of a known caller.
    #[test]
    fn the_table_has_an_end() {
        let (buckets, clock) = buckets(1, 2);
        for caller in 0..4 * OWN_MAX {
            let _ = buckets.take(&caller);
        }
        let most = OWN_MAX + LOOK_EVERY + usize::try_from(SHARED).unwrap();
        assert!(buckets.limiter.len() <= most, "{} buckets", buckets.limiter.len());
        assert!(buckets.take(&"late").is_err(), "who comes then shares a bucket");
        // Those who are gone are forgotten.
        clock.advance(Duration::from_secs(10));
        for _ in 0..=LOOK_EVERY {
            let _ = buckets.take(&"anna");
        }
        assert!(buckets.limiter.len() < 10);
        buckets.take(&"late").unwrap();
    }
}
