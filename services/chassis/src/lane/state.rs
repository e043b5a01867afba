//! What can be seen of a lane from outside: how much waits, and for how long.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One lane, as seen from outside.
#[derive(Debug)]
pub(crate) struct LaneState {
    begun: Instant,
    waiting: AtomicUsize,
    /// When the oldest command that is worked on came, in milliseconds after `begun`, plus one; 0: the lane rests.
    since: AtomicU64,
}

impl LaneState {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), waiting: AtomicUsize::new(0), since: AtomicU64::new(0) }
    }

    /// Commands that wait, those of the batch under way not counted.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How long the oldest command of the batch under way has waited; zero: the lane rests.
    pub(crate) fn oldest(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => self.begun.elapsed().saturating_sub(Duration::from_millis(since - 1)),
        }
    }

    pub(super) fn begins(&self, waiting: usize, oldest: Instant) {
        let since = oldest.saturating_duration_since(self.begun).as_millis();
        self.waiting.store(waiting, Ordering::Relaxed);
        self.since.store(u64::try_from(since).unwrap_or(u64::MAX - 1) + 1, Ordering::Relaxed);
    }

    pub(super) fn rests(&self, waiting: usize) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.since.store(0, Ordering::Relaxed);
    }
}
