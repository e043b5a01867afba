//! What our own lanes have committed: it is published before it is read, as long as nothing else waits before it.
//!
//! The journal stays what counts. The cursor moves behind what it has read, as ever, and finds there what is published
//! already; what was handed over and lost, in a crash or with the lease, it publishes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::Relay;
use super::cursor::{self, JournalRow, ROUND};
use super::error::RelayError;
use super::lease::Lease;
use super::publish::Acked;
use crate::crash;

/// Rows that wait for the relay at the most: with more it reads the journal instead.
const ROOM: usize = 5_000;
/// Rows that are taken at once, at the most: paced, they take time.
const MOST: usize = 500;
/// How long after something was handed over and published the cursor follows.
pub(super) const FOLLOW: Duration = Duration::from_millis(200);
/// Rows that are published before the cursor could follow, at the most: a transaction may hold the horizon back for long.
const AHEAD: usize = 20_000;

/// Rows on their way from the lanes to the relay of this process. Closed: they are not wanted.
#[derive(Default)]
pub(crate) struct HandOff {
    rows: Mutex<Option<Vec<JournalRow>>>,
}

impl HandOff {
    /// A lane has committed these.
    pub(crate) fn put(&self, more: Vec<JournalRow>) {
        let mut rows = self.rows();
        if let Some(waiting) = rows.as_mut() {
            waiting.extend(more);
            if waiting.len() > ROOM {
                *rows = None;
            }
        }
    }

    /// What is committed may not all have been handed over: the relay has to read.
    pub(crate) fn close(&self) {
        *self.rows() = None;
    }

    /// From now on rows are wanted.
    pub(super) fn open(&self) {
        self.rows().get_or_insert_default();
    }

    pub(super) fn is_open(&self) -> bool {
        self.rows().is_some()
    }

    /// The first of what has come, in its order; none: it is closed.
    pub(super) fn take(&self, most: usize) -> Option<Vec<JournalRow>> {
        let mut rows = self.rows();
        let rows = rows.as_mut()?;
        rows.sort_unstable_by_key(|row| row.seq);
        let rest = rows.split_off(most.min(rows.len()));
        Some(std::mem::replace(rows, rest))
    }

    /// The cursor is behind these, in their order: they are not to be published again.
    pub(super) fn forget(&self, numbers: &[i64]) {
        if let Some(rows) = self.rows().as_mut() {
            rows.retain(|row| numbers.binary_search(&row.seq).is_err());
        }
    }

    /// Whether something has come that was not taken.
    pub(super) fn holds_more(&self) -> bool {
        self.rows().as_ref().is_some_and(|rows| !rows.is_empty())
    }

    fn rows(&self) -> MutexGuard<'_, Option<Vec<JournalRow>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay {
    /// Publishes what our lanes have handed over; gives whether the cursor need not follow yet.
    pub(super) async fn publish_handed(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
        due: &mut Option<Instant>,
    ) -> Result<bool, RelayError> {
        // What comes later of a claim has a higher number: nothing is overtaken by what is left.
        let Some(rows) = self.handed.take(MOST) else { return Ok(false) };
        if !rows.is_empty() {
            self.publish_under(connection, lead, acked, &rows).await?;
            due.get_or_insert_with(|| Instant::now() + FOLLOW);
        }
        if acked.rows() >= AHEAD {
            self.handed.close();
        }
        Ok(!self.stop.is_cancelled() && due.is_some_and(|due| due > Instant::now()))
    }

    /// From now on our lanes hand over what they commit; what was committed until then is published here. Gives whether
    /// that was not all: then nothing is handed over yet.
    pub(super) async fn catch_up(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
    ) -> Result<bool, RelayError> {
        // The planted mistake is one of reading.
        if self.handed.is_open() || acked.rows() >= AHEAD || crash::bug("relay_cursor_by_max_id") {
            return Ok(false);
        }
        self.handed.open();
        let rows = cursor::above(connection, acked).await?;
        let more = cursor::is_full(rows.len(), ROUND);
        if more {
            self.handed.close();
        }
        self.publish_under(connection, lead, acked, &rows).await?;
        Ok(more)
    }

    /// Publishes rows under one connection to the broker.
    pub(super) async fn publish_under(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
        rows: &[JournalRow],
    ) -> Result<(), RelayError> {
        self.publish(connection, lead, acked, rows).await?;
        if !self.same_connection(lead) && !crash::bug("relay_skips_read_back") {
            return Err(RelayError::Broken("the connection to the broker was renewed in a round".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::publish::tests::line;

    #[test]
    fn rows_come_in_order_while_they_are_wanted() {
        let handed = HandOff::default();
        let row = |seq| line(seq, "event.intake.submitted", 1);
        handed.put(vec![row(1)]);
        assert!(handed.take(ROOM).is_none(), "nobody wanted it");
        handed.open();
        handed.put(vec![row(3), row(4), row(6)]);
        handed.put(vec![row(2), row(5)]);
        handed.forget(&[1, 5, 6]);
        handed.open();
        let numbers = |most| handed.take(most).unwrap().iter().map(|row| row.seq).collect::<Vec<_>>();
        assert_eq!(numbers(2), [2, 3]);
        assert!(handed.holds_more());
        assert_eq!(numbers(2), [4]);
        assert!(!handed.holds_more() && handed.take(2).unwrap().is_empty() && handed.is_open());
        handed.put((0..=ROOM).map(|_| row(5)).collect());
        assert!(!handed.is_open(), "too much waits: it is read instead");
        handed.open();
        handed.put(vec![row(6)]);
        handed.close();
        assert!(handed.take(ROOM).is_none());
    }
}
