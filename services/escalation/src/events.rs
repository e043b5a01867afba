//! Messages: commands of the orchestrator are read here, and what it and the departments are told is written here.

mod read;

use chassis::{Meta, Outgoing};
use proto::claim::Notice;
use proto::escalation::escalation_event::Kind;
use proto::escalation::{self as wire, EscalationEvent};
use proto::to_wire;
use uuid::Uuid;

pub use read::command;

use crate::domain::{About, Claim, Clock, ClockKey, ClockKind, ClockState, Escalation, Event, Item, Task};

/// A command for a claim.
#[derive(Clone, Debug)]
pub struct Command {
    /// The claim.
    pub claim: Uuid,
    /// The number a customer can quote, if the sender knows it.
    pub number: Option<String>,
    /// The version of the policy pack that the claim goes by, if the sender says it; 0: as it is kept.
    pub policy_version: u32,
    /// What to do.
    pub what: crate::domain::Command,
}

/// What is told of an event. The claim is as it is after the command.
pub fn told(claim: &Claim, meta: &Meta, event: &Event) -> Vec<Outgoing> {
    match event {
        Event::ApprovalGranted(plan_number, by) => {
            let steps_by = claim.deciders(*plan_number).filter(|before| *before != by).cloned().collect();
            let granted = wire::ApprovalGranted { plan_number: *plan_number, by: by.clone(), steps_by };
            vec![tell(claim, Kind::ApprovalGranted(granted))]
        }
        Event::ApprovalDenied(plan_number, by) => {
            let denied = wire::ApprovalDenied { plan_number: *plan_number, by: by.clone() };
            vec![tell(claim, Kind::ApprovalDenied(denied))]
        }
        Event::ClockWarned(key, percent, deadline, _) => {
            let kind = i32::from(key.kind);
            let warned = wire::ClockWarned { kind, percent: *percent, deadline: Some(to_wire(*deadline)) };
            vec![tell(claim, Kind::ClockWarned(warned))]
        }
        Event::ClockBreached(key, deadline, escalation) => {
            let kind = i32::from(key.kind);
            let (deadline, escalation_id) = (Some(to_wire(*deadline)), escalation.to_string());
            let breached = wire::ClockBreached { kind, deadline, escalation_id };
            vec![tell(claim, Kind::ClockBreached(breached))]
        }
        Event::LevelRaised(escalation, _) => vec![broken_promise(claim, meta, escalation)],
        Event::ItemOpened(item) => vec![waiting(claim, meta, item)],
        Event::ItemOverdue(item, ..) => {
            claim.items.get(item).map(|item| overdue(claim, meta, item)).unwrap_or_default()
        }
        Event::ClockRetargeted(Clock { key, .. }) | Event::ClockResumed(Clock { key, .. }) => {
            deadline_moved(claim, *key).into_iter().collect()
        }
        Event::ClockReckoned(Clock { key, deadline, .. }, was) => {
            let moved = (deadline != was).then(|| deadline_moved(claim, *key));
            moved.flatten().into_iter().collect()
        }
        Event::TaskDecided(item) => decided(claim, *item).into_iter().collect(),
        Event::TaskClosed(task) => {
            let (job, leg) = (Some(job(claim, task)), i32::from(task.leg));
            vec![tell(claim, Kind::TaskClosed(wire::TaskClosed { job, leg }))]
        }
        Event::RoundBegun(_)
        | Event::ChannelKnown(_)
        | Event::InvolvedKnown(_)
        | Event::KindStopped(..)
        | Event::Paused(_)
        | Event::Resumed
        | Event::ClockStarted(_)
        | Event::ClockPaused(..)
        | Event::ClockStopped(..)
        | Event::KeptAfterBreach(..)
        | Event::LadderEnded(_)
        | Event::ApprovalRequested(_)
        | Event::ApprovalCancelled(_)
        | Event::ItemDecided(..)
        | Event::ItemClosed(..)
        | Event::ItemMoved(_)
        | Event::TaskWithdrawn(_) => Vec::new(),
    }
}

fn tell(claim: &Claim, kind: Kind) -> Outgoing {
    let name = kind.name();
    let event = EscalationEvent { claim_id: claim.id.to_string(), kind: Some(kind) };
    Outgoing::event("escalation", name, claim.id.0, &event)
}

fn decided(claim: &Claim, id: Uuid) -> Option<Outgoing> {
    let item = claim.items.get(&id)?;
    let About::Task(task) = &item.about else { return None };
    let decided = wire::TaskDecided {
        job: Some(job(claim, task)),
        leg: i32::from(task.leg),
        kind: i32::from(item.kind),
        ruling: i32::from(item.ruling?),
    };
    Some(tell(claim, Kind::TaskDecided(decided)))
}

fn job(claim: &Claim, task: &Task) -> proto::claim::Job {
    let Task { round, line, attempt, leg: _ } = *task;
    proto::claim::Job { claim_id: claim.id.to_string(), round, line, attempt }
}

/// The customer was promised another time, if the clock runs on.
fn deadline_moved(claim: &Claim, key: ClockKey) -> Option<Outgoing> {
    let promised = matches!(key.kind, ClockKind::Acknowledgement | ClockKind::FirstFeedback);
    let runs = |clock: &&Clock| clock.state == ClockState::Running && promised;
    let clock = claim.clocks.get(&key).filter(runs)?;
    let (kind, deadline) = (i32::from(key.kind), Some(to_wire(clock.deadline)));
    let moved = wire::DeadlineMoved { kind, round: key.round, deadline };
    Some(tell(claim, Kind::DeadlineMoved(moved)))
}

/// Who is waited for is told; when nobody has decided in time, once more.
fn waiting(claim: &Claim, meta: &Meta, item: &Item) -> Outgoing {
    notice(claim, meta, item.work.role.word(), "work_waiting", &about(item))
}

/// Each role once: whom it waits for, and whom it was raised to.
fn overdue(claim: &Claim, meta: &Meta, item: &Item) -> Vec<Outgoing> {
    let raised = item.work.raised.map(|(role, _)| role).filter(|role| *role != item.work.role);
    let to = [item.work.role].into_iter().chain(raised);
    to.map(|role| notice(claim, meta, role.word(), "work_overdue", &about(item))).collect()
}

fn about(item: &Item) -> [(&'static str, String); 4] {
    [
        ("work_item_id", item.work.id.to_string()),
        ("kind", item.kind.word().to_owned()),
        ("reason", item.work.reason.clone()),
        ("due_at", item.work.due_at.to_string()),
    ]
}

fn broken_promise(claim: &Claim, meta: &Meta, escalation: &Escalation) -> Outgoing {
    let ClockKey { kind, round } = escalation.clock;
    let parameters = [
        ("escalation_id", escalation.id.to_string()),
        ("clock", kind.word().to_owned()),
        ("round", round.to_string()),
        ("level", escalation.level.to_string()),
        ("deadline", escalation.deadline.to_string()),
    ];
    notice(claim, meta, escalation.role.word(), "clock_breached", &parameters)
}

fn notice(claim: &Claim, meta: &Meta, audience: &str, template: &str, parameters: &[(&str, String)]) -> Outgoing {
    Outgoing::notice(&Notice {
        notice_id: meta.new_id().to_string(),
        audience: audience.to_owned(),
        template: template.to_owned(),
        parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        claim_id: claim.id.to_string(),
        claim_number: claim.head.number.clone(),
        customer_ref: String::new(),
        raised_at: Some(to_wire(meta.now)),
    })
}
