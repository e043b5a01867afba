//! What a plan rests on: the facts of its order lines, and what other claims have left of them.
//!
//! A plan that fits is carried out as it is. One that takes more than is left, or goes by facts that are not the newest, is
//! made again by triage, which hears what is left; so is one of the rules that would pay more for a unit than the facts that
//! other units were promised or given by: a person decides that.

use chassis::Refusal;
use proto::claim::{LinePlan, Plan};

use super::Turn;
use crate::case::{self, Left, RULES, Take};
use crate::claim_process::{Job, Leg};
use crate::entitlement::{self, Command, Event, Ledger, OrderLine};

impl Turn<'_> {
    /// Whether the ledgers have what a plan takes, by facts as new as its own. A plan of before, which names no facts,
    /// gets what is left.
    pub fn fits(&self, plan: &Plan) -> bool {
        let takes = self.takes(plan);
        let enough = |take: &Take| {
            let Some(ledger) = self.following(take) else { return false };
            let same = takes.iter().filter(|other| other.line == take.line);
            let wanted = same.map(|take| u64::from(take.units)).sum::<u64>();
            let has = u64::from(ledger.free()) + u64::from(self.may_be_given_again(Some(plan), &take.line));
            let raised = self.known_ledger(&take.line).is_some_and(|before| before.is_raised_by(&take.sale));
            let same_facts = (ledger.sale.version, &ledger.sale.currency) == (take.sale.version, &take.sale.currency);
            wanted <= has && same_facts && !(raised && plan.proposed_by == RULES)
        };
        let fits = takes.iter().all(enough);
        if !fits {
            // What is decided now rests on these ledgers.
            takes.iter().for_each(|take| drop(self.ledger(&take.line)));
        }
        fits
    }

    /// The ledgers go by the facts of a plan that is in force now, if they are newer. By those of one that is made again go
    /// only ledgers from which nothing was promised or given.
    pub(super) fn follow(&mut self, plan: &Plan, in_force: bool) -> Result<(), Refusal> {
        for line in giving(plan) {
            let number = u16::try_from(line.line).unwrap_or_default();
            let job = Job { round: self.stored.process.round, line: number, leg: Leg::Entitlement, attempt: 0 };
            for Take { line, sale, .. } in case::takes(self.claim, line) {
                let follows = |ledger: &Ledger| ledger.can_follow(&sale) && (in_force || !ledger.has_moved());
                if self.known_ledger(&line).is_some_and(follows) {
                    self.book(&line, job, Command::Correct(sale))?;
                }
            }
        }
        Ok(())
    }

    /// Notes what is left of what a plan meant to take.
    pub(super) fn note_left(&mut self, plan: &Plan) {
        for take in self.takes(plan) {
            if !self.stored.case.left.iter().any(|left| left.line == take.line) {
                self.stored.case.left.push(Left { line: take.line, free: 0, replaced: 0, sale: None });
            }
        }
    }

    /// Whoever judges hears what is left now.
    pub(super) fn refresh_left(&mut self) {
        let mut lines = std::mem::take(&mut self.stored.case.left);
        for left in &mut lines {
            if let Some(ledger) = self.known_ledger(&left.line) {
                (left.free, left.replaced) = (ledger.free(), ledger.replaced);
                left.sale = ledger.has_moved().then(|| ledger.sale.clone());
            }
        }
        self.stored.case.left = lines;
    }

    /// Units of an order line that were given as goods and may be given for again: a person has made the plan who was told
    /// of them.
    pub(super) fn may_be_given_again(&self, plan: Option<&Plan>, line: &OrderLine) -> u32 {
        if plan.is_none_or(|plan| plan.proposed_by == RULES) {
            return 0;
        }
        let told = self.stored.case.left.iter().find(|left| left.line == *line).map_or(0, |left| left.replaced);
        self.known_ledger(line).map_or(0, |ledger| ledger.replaced.min(told))
    }

    /// The ledger of what is taken, as it is when it follows the plan's facts.
    fn following(&self, take: &Take) -> Option<Ledger> {
        let mut ledger = self.known_ledger(&take.line)?.clone();
        if ledger.can_follow(&take.sale) {
            entitlement::evolve(&mut ledger, &Event::Corrected(take.sale.clone()));
        }
        Some(ledger)
    }

    fn takes(&self, plan: &Plan) -> Vec<Take> {
        giving(plan).flat_map(|line| case::takes(self.claim, line)).collect()
    }
}

/// The lines of a plan that give something and name the versions of their facts.
fn giving(plan: &Plan) -> impl Iterator<Item = &LinePlan> {
    plan.lines.iter().filter(|line| case::gives(line) && !line.takes.is_empty())
}
