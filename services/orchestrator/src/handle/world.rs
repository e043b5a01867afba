//! What a batch looks at, what it changes, and what is remembered of it.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Outcome, Recent};
use uuid::Uuid;

use crate::entitlement::{Entry, Ledger, OrderLine, Sale};
use crate::settlement::Settlement;
use crate::store::processes::Stored;

/// The rows of a batch.
#[derive(Debug, Default)]
pub struct World {
    pub(super) processes: BTreeMap<Uuid, Stored>,
    /// Versions of processes that were only remembered.
    pub(super) recalled: BTreeMap<Uuid, i64>,
    /// Ledgers that were only remembered, and that something was decided on.
    pub(super) asked: BTreeSet<OrderLine>,
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
    pub asked: BTreeSet<OrderLine>,
    pub outcome: Outcome,
}

/// Claims, and order lines, that a lane remembers.
const LEAST: usize = 1_024;

/// What a lane remembers.
#[derive(Debug)]
pub struct Memory {
    claims: Recent<Uuid, (Stored, Vec<Settlement>)>,
    pub(super) ledgers: Recent<OrderLine, Ledger>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { claims: Recent::new(LEAST), ledgers: Recent::new(LEAST) }
    }
}

impl Memory {
    /// What is remembered of ledgers.
    pub(super) fn ledgers_of(&self, lines: BTreeSet<OrderLine>) -> impl Iterator<Item = (OrderLine, Ledger)> + '_ {
        lines.into_iter().filter_map(|line| self.ledgers.get(&line).cloned().map(|ledger| (line, ledger)))
    }

    /// The world as it was committed.
    pub(super) fn learn(&mut self, world: World) {
        let World { processes, changed, ledgers, settlements, .. } = world;
        let mut of_claims: BTreeMap<Uuid, Vec<Settlement>> = BTreeMap::new();
        for settlement in settlements.into_values() {
            of_claims.entry(settlement.claim).or_default().push(settlement);
        }
        self.claims.learn(processes.into_iter().map(|(claim, mut stored)| {
            stored.version += i64::from(changed.contains(&claim));
            (claim, (stored, of_claims.remove(&claim).unwrap_or_default()))
        }));
        self.ledgers.learn(ledgers);
    }
}

impl World {
    /// Takes what is remembered of claims; gives those of which nothing is.
    pub(super) fn recall(&mut self, memory: &Memory, claims: BTreeSet<Uuid>) -> Vec<Uuid> {
        let mut unknown = Vec::new();
        for claim in claims {
            let Some((stored, settlements)) = memory.claims.get(&claim) else {
                unknown.push(claim);
                continue;
            };
            self.recalled.insert(claim, stored.version);
            self.processes.insert(claim, stored.clone());
            let known = settlements.iter().map(|settlement| (settlement.settlement_id, settlement.clone()));
            self.settlements.extend(known);
        }
        unknown
    }

    /// Plans open the ledgers of what they say was sold, if they are not there yet; by the newest facts.
    pub(super) fn open(&mut self, mut sold: Vec<(OrderLine, Sale)>) {
        self.ledgers.clone_from(&self.before);
        sold.sort_by_key(|(_, sale)| std::cmp::Reverse(sale.version));
        for (line, sale) in sold {
            self.ledgers.entry(line).or_insert_with(|| Ledger::new(sale));
        }
    }
}

impl Change {
    /// Puts it into the world; gives what is told.
    pub fn apply(self, world: &mut World) -> Outcome {
        let Self { claim, stored, ledgers, settlements, entries, asked, outcome } = self;
        world.processes.insert(claim, stored);
        world.changed.insert(claim);
        world.ledgers.extend(ledgers);
        world.decided.extend(settlements.keys());
        world.settlements.extend(settlements);
        world.entries.extend(entries);
        world.asked.extend(asked);
        outcome
    }
}
