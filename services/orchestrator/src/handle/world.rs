//! What a batch looks at, and what it changes.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Outcome;
use uuid::Uuid;

use crate::entitlement::{Entry, Ledger, OrderLine};
use crate::settlement::Settlement;
use crate::store::processes::Stored;

/// The rows of a batch.
#[derive(Debug)]
pub struct World {
    pub(super) processes: BTreeMap<Uuid, Stored>,
    pub(super) ledgers: BTreeMap<OrderLine, Ledger>,
    pub(super) settlements: BTreeMap<Uuid, Settlement>,
    pub(super) changed: BTreeSet<Uuid>,
    pub(super) decided: BTreeSet<Uuid>,
    pub(super) entries: Vec<Entry>,
}

/// What one command has changed. Nothing of it is in the world before it is applied.
#[derive(Debug)]
pub(super) struct Change {
    pub claim: Uuid,
    pub stored: Stored,
    pub ledgers: BTreeMap<OrderLine, Ledger>,
    pub settlements: BTreeMap<Uuid, Settlement>,
    pub entries: Vec<Entry>,
    pub outcome: Outcome,
}

impl World {
    pub(super) fn new(
        processes: BTreeMap<Uuid, Stored>,
        ledgers: BTreeMap<OrderLine, Ledger>,
        settlements: BTreeMap<Uuid, Settlement>,
    ) -> Self {
        Self {
            processes,
            ledgers,
            settlements,
            changed: BTreeSet::new(),
            decided: BTreeSet::new(),
            entries: Vec::new(),
        }
    }
}

impl Change {
    /// Puts it into the world; gives what is told.
    pub fn apply(self, world: &mut World) -> Outcome {
        let Self { claim, stored, ledgers, settlements, entries, outcome } = self;
        world.processes.insert(claim, stored);
        world.changed.insert(claim);
        world.ledgers.extend(ledgers);
        world.decided.extend(settlements.keys());
        world.settlements.extend(settlements);
        world.entries.extend(entries);
        outcome
    }
}
