//! What a batch looks at, what it changes, and what is remembered of it.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Outcome, Recent};
use uuid::Uuid;

use crate::entitlement::{Entry, Ledger, OrderLine, Sale};
use crate::settlement::Settlement;
use crate::stored::Stored;
use crate::sums::Sums;

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
    /// Settlements that were paid under the references of the batch, and those that are now.
    pub(super) payments: BTreeMap<String, Uuid>,
    pub(super) paid: BTreeMap<String, Uuid>,
    /// Sums of customers and persons.
    pub(super) sums: BTreeMap<String, Sums>,
    pub(super) counted: BTreeSet<String>,
}

/// What one command has changed. Nothing of it is in the world before it is applied.
#[derive(Debug)]
pub(super) struct Change {
    pub claim: Uuid,
    pub stored: Stored,
    pub ledgers: BTreeMap<OrderLine, Ledger>,
    pub settlements: BTreeMap<Uuid, Settlement>,
    pub entries: Vec<Entry>,
    pub sums: BTreeMap<String, Sums>,
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
    sums: Recent<String, Sums>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { claims: Recent::new(LEAST), ledgers: Recent::new(LEAST), sums: Recent::new(LEAST) }
    }
}

impl Memory {
    /// What is remembered of ledgers.
    pub(super) fn ledgers_of(&self, lines: BTreeSet<OrderLine>) -> impl Iterator<Item = (OrderLine, Ledger)> + '_ {
        lines.into_iter().filter_map(|line| self.ledgers.get(&line).cloned().map(|ledger| (line, ledger)))
    }

    /// The world as it was committed.
    pub(super) fn learn(&mut self, world: World) {
        let World { processes, changed, ledgers, settlements, sums, counted, .. } = world;
        let mut of_claims: BTreeMap<Uuid, Vec<Settlement>> = BTreeMap::new();
        for settlement in settlements.into_values() {
            of_claims.entry(settlement.claim).or_default().push(settlement);
        }
        self.claims.learn(processes.into_iter().map(|(claim, mut stored)| {
            stored.version += i64::from(changed.contains(&claim));
            (claim, (stored, of_claims.remove(&claim).unwrap_or_default()))
        }));
        self.ledgers.learn(ledgers);
        self.sums.learn(sums.into_iter().map(|(scope, sums)| {
            let version = sums.version + i64::from(counted.contains(&scope));
            (scope, sums.at(version))
        }));
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

    /// Takes what is remembered of sums; gives those of which nothing is.
    pub(super) fn recall_sums(&mut self, memory: &Memory, scopes: BTreeSet<String>) -> BTreeSet<String> {
        let (known, unknown): (Vec<String>, _) = scopes.into_iter().partition(|scope| memory.sums.get(scope).is_some());
        self.sums.extend(known.into_iter().filter_map(|scope| Some((scope.clone(), memory.sums.get(&scope)?.clone()))));
        unknown.into_iter().collect()
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
        let Self { claim, stored, ledgers, settlements, entries, sums, asked, outcome } = self;
        world.processes.insert(claim, stored);
        world.changed.insert(claim);
        world.ledgers.extend(ledgers);
        world.decided.extend(settlements.keys());
        world.settlements.extend(settlements);
        world.entries.extend(entries);
        world.counted.extend(sums.keys().cloned());
        world.sums.extend(sums);
        world.asked.extend(asked);
        outcome
    }
}
