//! Pace: how far a relay runs ahead of those who work on what it tells.
//!
//! After an outage a relay has tens of thousands of rows to tell. Messages are worked on in their order: were all told at
//! once, every claim would be begun before the first goes on, and each of its later steps would wait behind all the others.
//! So the service says when enough is under way, and what is begun is finished first. The order of the journal stays:
//! whatever else the service tells waits, too.

use std::time::Duration;

use proto::ClaimId;
use tokio::sync::watch;

use super::Relay;
use super::cursor::ROUND;

/// Longest that a relay waits before a round: those who work may be away, or what they say was missed.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a service lets its relay do.
pub struct Pace {
    /// Is told of which claim a row has left.
    pub told: Box<dyn Fn(ClaimId) + Send + Sync>,
    /// Whether more may leave.
    pub open: watch::Receiver<bool>,
    /// Is told that the relay waits no longer for those who were told.
    pub given_up: Box<dyn Fn() + Send + Sync>,
    /// Rows that leave in one round, at most.
    pub rows: u32,
}

impl Relay {
    /// Waits until more may leave, for [`PATIENCE`] at most.
    pub(super) async fn pace(&self) {
        let Some(Pace { open, given_up, .. }) = self.pace.get() else { return };
        let mut open = open.clone();
        tokio::select! {
            opened = tokio::time::timeout(PATIENCE, open.wait_for(|open| *open)) => {
                if opened.is_err() {
                    given_up();
                }
            }
            () = self.stop.cancelled() => {}
        }
    }

    /// Rows of a round.
    pub(super) fn rows_of_round(&self) -> i64 {
        self.pace.get().map_or(ROUND, |pace| ROUND.min(pace.rows.into()))
    }
}
