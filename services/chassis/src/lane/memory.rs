//! The numbers that a lane has processed last, by sender and aggregate.

use uuid::Uuid;

use super::Recent;

/// About whom, and who told it.
pub(super) type InboxKey = (Uuid, String);
/// The last number that was processed, and the message that had it.
pub(super) type Last = (i32, Uuid);
/// The last numbers of the places that a lane was busy with last.
pub(super) type InboxSequences = Recent<InboxKey, Last>;

/// ConcurrencyLimit that are remembered.
const LEAST: usize = 4_096;

/// What a lane remembers.
pub(crate) struct Memory<M> {
    pub(super) heard: InboxSequences,
    pub(super) rows: M,
}

impl<M: Default> Default for Memory<M> {
    fn default() -> Self {
        Self { heard: Recent::new(LEAST), rows: M::default() }
    }
}
