//! Commands of the orchestrator. What no correct sender sends is malformed, and parked.

use std::collections::BTreeSet;
use std::sync::Arc;

use chassis::Malformed;
use jiff::Timestamp;
use proto::claim::{Job, Plan};
use proto::escalation::EscalationCommand;
use proto::escalation::escalation_command::Kind;
use proto::job::NUMBERS;
use proto::{Subject, WireTime, claim};

use super::Command;
use crate::domain::{self, ClockKind, Leg, Role, Severity, Task, WorkKind};

/// Most lines of a plan.
const LINES_MAX: usize = 500;

/// Reads a command.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: EscalationCommand = chassis::read("redress.escalation.v1.EscalationCommand", subject, payload)?;
    let claim = proto::ids::parse(&message.claim_id).map_err(|_| malformed("claim_id is not a UUID"))?;
    let kind = message.kind.ok_or_else(|| malformed("nothing is asked"))?;
    let number = message.claim_number;
    if number.len() > 32 || number.chars().any(char::is_control) {
        return Err(malformed("claim_number is not one"));
    }
    let policy_version = message.policy_version;
    if i32::try_from(policy_version).is_err() {
        return Err(malformed("policy_version is not one"));
    }
    Ok(Command { claim, number: Some(number), policy_version, what: what(&message.claim_id, kind)? })
}

fn what(claim: &str, kind: Kind) -> Result<domain::Command, Malformed> {
    Ok(match kind {
        Kind::StartClocks(start) => {
            let kinds = kinds(&start.kinds)?;
            if kinds.is_empty() {
                return Err(malformed("no kind of clock is given"));
            }
            domain::Command::StartClocks {
                round: number("round", start.round)?,
                kinds,
                severity: severity(start.severity)?,
                channel: claim::Channel::try_from(start.channel).map_err(|_| malformed("the channel is not known"))?,
                from: start.from.as_ref().map(time).transpose()?,
            }
        }
        Kind::StopClocks(stop) => {
            let all = || ClockKind::ALL.iter().copied().collect();
            domain::Command::StopClocks {
                kinds: if stop.kinds.is_empty() { all() } else { kinds(&stop.kinds)? },
                // An older release says neither round nor time.
                round: (stop.round > 0).then(|| number("round", stop.round)).transpose()?,
                at: stop.at.as_ref().map(time).transpose()?,
                severity: severity(stop.severity)?,
            }
        }
        Kind::RetargetClocks(retarget) => domain::Command::RetargetClocks {
            round: number("round", retarget.round)?,
            severity: severity(retarget.severity)?.ok_or_else(|| malformed("the severity is not given"))?,
        },
        Kind::PauseClocks(_) => domain::Command::PauseClocks,
        Kind::ResumeClocks(_) => domain::Command::ResumeClocks,
        Kind::RequestApproval(request) => domain::Command::RequestApproval {
            plan: Arc::new(plan(request.plan)?),
            severity: severity(request.severity)?,
            involved: involved(request.involved),
        },
        Kind::CancelApproval(cancel) => domain::Command::CancelApproval(number("plan_number", cancel.plan_number)?),
        Kind::OpenTask(open) => {
            let kind = work_kind(open.kind)?;
            if open.reason.len() > 64 || open.reason.chars().any(char::is_control) {
                return Err(malformed("the reason is not a code"));
            }
            domain::Command::OpenTask {
                task: task(claim, open.job.as_ref(), open.leg)?,
                kind,
                reason: open.reason,
                role: Role::try_from(open.role).map_err(|()| malformed("the role is not known"))?,
                involved: involved(open.involved),
            }
        }
        Kind::CloseTask(close) => domain::Command::CloseTask(task(claim, close.job.as_ref(), close.leg)?),
    })
}

/// Nobody is known to have a hand in what was asked before it was told.
fn involved(told: Option<claim::Involved>) -> domain::Involved {
    let told = told.unwrap_or_default();
    domain::Involved {
        subjects: told.subjects.into_iter().collect(),
        customer_ref: told.customer_ref,
        failed_by: told.failed_by.into_iter().collect(),
    }
}

fn kinds(kinds: &[i32]) -> Result<BTreeSet<ClockKind>, Malformed> {
    let kinds: Result<BTreeSet<_>, ()> = kinds.iter().map(|kind| ClockKind::try_from(*kind)).collect();
    kinds.map_err(|()| malformed("a kind of clock is not known"))
}

/// `None`: not judged yet.
fn severity(severity: i32) -> Result<Option<Severity>, Malformed> {
    let severity = claim::Severity::try_from(severity).map_err(|_| malformed("the severity is not known"))?;
    Ok(severity.said())
}

fn work_kind(kind: i32) -> Result<WorkKind, Malformed> {
    match WorkKind::try_from(kind) {
        Ok(
            kind @ (WorkKind::Support | WorkKind::LegFailed | WorkKind::CompensationFailed | WorkKind::ReturnMismatch),
        ) => Ok(kind),
        Ok(WorkKind::Approval | WorkKind::Escalation) | Err(()) => Err(malformed("this kind of task is not opened")),
    }
}

fn task(claim: &str, job: Option<&Job>, leg: i32) -> Result<Task, Malformed> {
    let job = job.ok_or_else(|| malformed("the job is not given"))?;
    if job.claim_id != claim {
        return Err(malformed("the job is of another claim"));
    }
    Ok(Task {
        round: number("round", job.round)?,
        line: number("line", job.line)?,
        attempt: number("attempt", job.attempt)?,
        leg: Leg::try_from(leg).map_err(|()| malformed("the leg is not known"))?,
    })
}

fn plan(plan: Option<Plan>) -> Result<Plan, Malformed> {
    let plan = plan.ok_or_else(|| malformed("the plan is not given"))?;
    number("plan.number", plan.number)?;
    if !(1..=LINES_MAX).contains(&plan.lines.len()) {
        return Err(malformed("the plan has no lines, or too many"));
    }
    let decided = |line: &claim::LinePlan| line.resolution().said().is_some();
    if !plan.lines.iter().all(decided) {
        return Err(malformed("a line of the plan has no resolution"));
    }
    // Without a cost it cannot be compared, and is approved as the dearest are.
    if plan.cost.as_ref().is_some_and(|cost| cost.minor_units < 0) {
        return Err(malformed("the cost of the plan is negative"));
    }
    Ok(plan)
}

fn number(what: &str, number: u32) -> Result<u32, Malformed> {
    let fits = NUMBERS.contains(&number);
    if fits { Ok(number) } else { Err(Malformed(format!("{what} must be 1 to {}", NUMBERS.end()))) }
}

/// Rounded to microseconds: what the database can keep.
fn time(at: &WireTime) -> Result<Timestamp, Malformed> {
    let at = proto::from_wire(at).and_then(|at| Timestamp::from_microsecond(at.as_microsecond()).ok());
    at.filter(|at| at.as_second().abs() < 200 * 366 * 86_400).ok_or_else(|| malformed("a time is out of range"))
}

fn malformed(why: &str) -> Malformed {
    Malformed(why.to_owned())
}
