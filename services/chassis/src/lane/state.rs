//! What can be seen of a lane from outside: how much waits, and for how long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::progress::Moment;

/// One lane, as seen from outside.
#[derive(Debug)]
pub(crate) struct LaneState {
    waiting: AtomicUsize,
    /// When the oldest command that is worked on came; none: the lane rests.
    since: Moment,
}

impl LaneState {
    pub(super) fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), since: Moment::none() }
    }

    /// Commands that wait, those of the batch under way not counted.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How long the oldest command of the batch under way has waited; zero: the lane rests.
    pub(crate) fn oldest(&self) -> Duration {
        self.since.age()
    }

    pub(super) fn begins(&self, waiting: usize, oldest: Instant) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.since.mark_ago(oldest.elapsed());
    }

    pub(super) fn rests(&self, waiting: usize) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.since.clear();
    }
}
