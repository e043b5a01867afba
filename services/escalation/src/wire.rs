//! The domain's words in the messages of the contract.

use proto::claim::Plan;
use proto::escalation as wire;
use proto::to_wire;
use uuid::Uuid;

use crate::domain::{About, Claim, Clock, Escalation, Item, ItemState};

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

/// A work item.
pub fn item(claim: Uuid, number: String, item: &Item, plan: Option<Plan>) -> wire::WorkItem {
    let (line, step, steps) = match item.about {
        About::Task(task) => (task.line, 0, 0),
        About::Step { step, steps, .. } => (0, step, steps),
        About::Clock(_) => (0, 0, 0),
    };
    let decision = item.decision.as_ref();
    wire::WorkItem {
        work_item_id: item.id.to_string(),
        etag: chassis::etag(item.version),
        kind: item.kind.into(),
        claim_id: claim.to_string(),
        claim_number: number,
        line,
        role: item.role.into(),
        reason: item.reason.clone(),
        due_at: Some(to_wire(item.due_at)),
        open: item.state == ItemState::Open,
        plan,
        step,
        steps,
        decided_by: decision.map(|decision| decision.by.clone()).unwrap_or_default(),
        decided_at: decision.map(|decision| to_wire(decision.at)),
        ruling: decision.map_or(0, |decision| decision.ruling.into()),
        note: decision.map(|decision| decision.note.clone()).unwrap_or_default(),
    }
}
