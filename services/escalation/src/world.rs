//! The claims of a batch, and what a lane remembers of them.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Recent;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::Claim;

/// Claims that a lane remembers.
const LEAST: usize = 1_024;

/// What a lane remembers: claims with their versions.
pub struct Memory(pub Recent<Uuid, (i64, Claim)>);

impl Default for Memory {
    fn default() -> Self {
        Self(Recent::new(LEAST))
    }
}

/// The time of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// Now. It stands still while the database's clock is behind where it has been.
    pub now: Timestamp,
    /// How far that is ahead of the database's clock.
    pub ahead: SignedDuration,
}

/// The claims of a batch, as they were and as they are.
pub struct World {
    /// As they were.
    pub loaded: BTreeMap<Uuid, Claim>,
    /// Versions of those that are there.
    pub versions: BTreeMap<Uuid, i64>,
    /// Those that were only remembered.
    pub recalled: BTreeSet<Uuid>,
    /// As they are.
    pub claims: BTreeMap<Uuid, Claim>,
    /// What time it is for the batch.
    pub time: Time,
}
