//! The domain's words in the messages of the contract.

use chassis::work::{Labels, about};
use proto::claim::Plan;
use proto::escalation as wire;
use proto::to_wire;
use proto::work::item::Content;
use uuid::Uuid;

use crate::domain::{self, Claim, Clock, Escalation, Item};

/// A clock.
pub fn clock(claim: Uuid, clock: &Clock) -> wire::RunningClock {
    wire::RunningClock {
        claim_id: claim.to_string(),
        kind: clock.key.kind.into(),
        round: clock.key.round,
        state: clock.state.into(),
        target_s: clock.target.as_secs(),
        started_at: Some(to_wire(clock.started_at)),
        deadline: Some(to_wire(clock.deadline)),
        breached_at: clock.breached_at.map(to_wire),
        warned_percent: clock.warned,
        stopped_at: clock.stopped_at.map(to_wire),
        severity: clock.severity.into(),
        provisional: clock.provisional,
    }
}

/// An escalation.
pub fn escalation(claim: Uuid, escalation: &Escalation) -> wire::Escalation {
    wire::Escalation {
        escalation_id: escalation.id.to_string(),
        claim_id: claim.to_string(),
        clock: escalation.clock.kind.into(),
        round: escalation.clock.round,
        level: escalation.level,
        role: escalation.role.into(),
        raised_at: Some(to_wire(escalation.raised_at)),
        deadline: Some(to_wire(escalation.deadline)),
    }
}

/// A work item of a claim that is at hand.
pub fn work_item(claim: &Claim, work: &Item) -> wire::WorkItem {
    let plan = claim.plan_of(work).map(|plan| plan.as_ref().clone());
    item(claim.id.0, claim.head.number.clone(), work, plan)
}

/// What the list of all services says of a work item of a claim that is at hand.
pub fn labels(claim: &Claim, item: &Item) -> Labels {
    Labels {
        about: about("claim", claim.id.0, &claim.head.number),
        kind: item.kind.word().to_owned(),
        department: String::new(),
        decision: item.ruling.map(|ruling| ruling.word().to_owned()).unwrap_or_default(),
        content: Some(Content::Task(work_item(claim, item))),
    }
}

/// A work item.
pub fn item(claim: Uuid, number: String, item: &Item, plan: Option<Plan>) -> wire::WorkItem {
    let (line, step, steps) = match item.about {
        domain::About::Task(task) => (task.line, 0, 0),
        domain::About::Step { step, steps, .. } => (0, step, steps),
        domain::About::Clock(_) => (0, 0, 0),
    };
    let work = &item.work;
    let decision = item.ruling.and(work.ended.as_ref());
    wire::WorkItem {
        work_item_id: work.id.to_string(),
        etag: chassis::etag(work.version),
        kind: item.kind.into(),
        claim_id: claim.to_string(),
        claim_number: number,
        line,
        role: work.role.into(),
        reason: work.reason.clone(),
        due_at: Some(to_wire(work.due_at)),
        open: work.is_open(),
        plan,
        step,
        steps,
        decided_by: decision.map(|decision| decision.by.clone()).unwrap_or_default(),
        decided_at: decision.map(|decision| to_wire(decision.at)),
        ruling: item.ruling.map_or(0, Into::into),
        note: decision.map(|decision| decision.note.clone()).unwrap_or_default(),
    }
}
