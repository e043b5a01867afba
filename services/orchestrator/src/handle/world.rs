//! What a batch looks at, and what it changes.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Outcome;
use uuid::Uuid;

use crate::entitlement::{Entry, Ledger, OrderLine, Sale};
use crate::settlement::Settlement;
use crate::store::processes::Stored;

/// The rows of a batch.
#[derive(Debug)]
pub struct World {
    pub(super) processes: BTreeMap<Uuid, Stored>,
    /// Ledgers as they were in the database.
    pub(super) before: BTreeMap<OrderLine, Ledger>,
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
    /// What was read. A plan opens the ledgers of what it says was sold, if they are not there yet.
    pub(super) fn new(
        processes: BTreeMap<Uuid, Stored>,
        before: BTreeMap<OrderLine, Ledger>,
        sold: BTreeMap<OrderLine, Sale>,
        settlements: BTreeMap<Uuid, Settlement>,
    ) -> Self {
        let mut ledgers = before.clone();
        for (line, sale) in sold {
            ledgers.entry(line).or_insert_with(|| Ledger::new(sale));
        }
        Self {
            processes,
            before,
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
