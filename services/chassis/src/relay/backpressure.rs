//! Backpressure: how far a relay runs ahead of those who work on what it tells.
//!
//! After an outage a relay has tens of thousands of rows to tell. Messages are worked on in their order: were all told at
//! once, every claim would be begun before the first goes on, and each of its later steps would wait behind all the others.
//! So the service says when enough is under way, and what is begun is finished first. The order of the journal stays:
//! whatever else the service tells waits, too.

use std::time::{Duration, Instant};

use proto::ClaimId;
use tokio::sync::watch;

use super::Relay;

/// Longest that a relay waits without hearing from those who work: they may be away, or what they say was missed.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest that it waits in one round, also if they are slow: the lease and the cursor must not wait for them.
pub(super) const LONGEST: Duration = Duration::from_secs(3);

/// What a service lets its relay do.
pub struct Backpressure {
    /// Is told of which claim a row has left.
    pub told: Box<dyn Fn(ClaimId) + Send + Sync>,
    /// Whether more may leave. Who works is heard by it, also while it stays closed.
    pub open: watch::Receiver<bool>,
    /// Is told that the relay waits no longer for those who were told.
    pub given_up: Box<dyn Fn() + Send + Sync>,
    /// Rows that leave at once, at most.
    pub rows: u32,
}

impl Relay {
    /// Waits until more may leave, for [`PATIENCE`] after something was heard, and no longer than until a time.
    pub(super) async fn pace(&self, until: Instant) {
        let Some(Backpressure { open, given_up, .. }) = self.pace.get() else { return };
        let mut open = open.clone();
        while !*open.borrow_and_update() && !self.stop.is_cancelled() {
            let patience = PATIENCE.min(until.saturating_duration_since(Instant::now()));
            tokio::select! {
                heard = tokio::time::timeout(patience, open.changed()) => {
                    if !matches!(heard, Ok(Ok(()))) {
                        return given_up();
                    }
                }
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// How many of some rows leave at once.
    pub(super) fn at_once(&self, rows: usize) -> usize {
        self.pace.get().map_or(rows, |pace| rows.min(pace.rows as usize)).max(1)
    }
}
