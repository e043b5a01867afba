//! A claim while a command is decided: every event counts at once for what is decided after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chassis::Meta;
use jiff::Timestamp;
use proto::ClaimId;
use proto::claim::Plan;

use super::{About, Claim, Event, Head, Item, Rules, evolve};

/// A claim as it is after the events so far.
pub(super) struct Draft<'a> {
    pub rules: &'a Rules,
    pub meta: &'a Meta,
    pub now: Timestamp,
    pub claim: Claim,
    pub events: Vec<Event>,
}

impl<'a> Draft<'a> {
    /// The claim as it is before the command.
    pub(super) fn new(rules: &'a Rules, claim: &Claim, meta: &'a Meta) -> Self {
        Self { rules, meta, now: meta.now, claim: claim.clone(), events: Vec::new() }
    }

    /// Something has happened.
    pub(super) fn add(&mut self, event: Event) {
        evolve(&mut self.claim, &event);
        self.events.push(event);
    }
}

impl Claim {
    /// A claim of which nothing is known.
    pub fn new(id: ClaimId, number: &str) -> Self {
        Self {
            id,
            head: Head { number: number.to_owned(), ..Head::default() },
            clocks: BTreeMap::new(),
            approvals: BTreeMap::new(),
            items: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
            raised: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Who decided the steps of a plan; whoever denies one takes the last.
    pub fn deciders(&self, plan: u32) -> impl Iterator<Item = &String> {
        let of_plan = move |item: &&Item| matches!(item.about, About::Step { plan: of, .. } if of == plan);
        let decided = self.items.values().filter(of_plan).filter(|item| item.ruling.is_some());
        decided.filter_map(|item| item.work.ended.as_ref()).map(|ended| &ended.by)
    }

    /// The plan that a work item asks to approve.
    pub fn plan_of(&self, item: &Item) -> Option<&Arc<Plan>> {
        let About::Step { plan, .. } = item.about else { return None };
        self.approvals.get(&plan)?.plan.as_ref().map(|snapshot| &snapshot.plan)
    }
}
