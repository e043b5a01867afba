//! Words of the contract and words of the process, one by one.

use chassis::Malformed;
use jiff::civil::Date;
use proto::claim::{self, ClaimState};
use proto::escalation;
use proto::logistics::{Direction, TrackingReason};
use uuid::Uuid;

use super::malformed;
use crate::case::Left;
use crate::claim_process::{AssessReason, Clock, Incident, Job, Leg, LinePlan, Outcome, Resolution, Ruling, Task};
use crate::entitlement::OrderLine;

/// A number that the process keeps small.
pub(super) fn short(number: u32) -> Result<u16, Malformed> {
    u16::try_from(number).map_err(|_| malformed(format!("{number} is too great")))
}

/// The work that a message is about.
pub(super) fn job(job: &claim::Job, leg: Leg) -> Result<Job, Malformed> {
    Ok(Job { round: short(job.round)?, line: short(job.line)?, leg, attempt: short(job.attempt)? })
}

/// The work that a message is about; the leg is implied by the message.
pub(crate) fn wire_job(claim: Uuid, job: Job) -> claim::Job {
    claim::Job {
        claim_id: claim.to_string(),
        round: u32::from(job.round),
        line: u32::from(job.line),
        attempt: u32::from(job.attempt),
    }
}

pub(super) fn leg(leg: claim::Leg) -> Result<Leg, Malformed> {
    Leg::of_wire(leg).ok_or_else(|| malformed("the leg is not given"))
}

/// Which leg a parcel is, by the way it goes.
pub(super) fn leg_of_direction(direction: i32) -> Result<Leg, Malformed> {
    match Direction::try_from(direction) {
        Ok(Direction::Outbound) => Ok(Leg::Shipment),
        Ok(Direction::Return) => Ok(Leg::Pickup),
        Ok(Direction::Unspecified) | Err(_) => Err(malformed("the direction is not given")),
    }
}

/// A day; none if it is not given.
pub(super) fn day(text: &str) -> Result<Option<Date>, Malformed> {
    let day = (!text.is_empty()).then(|| text.parse().map_err(|_| malformed(format!("{text} is not a day"))));
    day.transpose()
}

/// What happened to a parcel without changing its state.
pub(super) fn incident(reason: TrackingReason) -> Result<Incident, Malformed> {
    match reason {
        TrackingReason::Unspecified => Ok(Incident::GoesOn),
        TrackingReason::DeliveryAttempted => Ok(Incident::Attempted),
        TrackingReason::HeldForCollection => Ok(Incident::ToCollect),
        TrackingReason::CustomsHold => Ok(Incident::CustomsHold),
        TrackingReason::PickupNobodyThere => Ok(Incident::NobodyThere),
        TrackingReason::PickupNotReady => Ok(Incident::NotReady),
        TrackingReason::ReturningToSender
        | TrackingReason::ReturnedToSender
        | TrackingReason::NotCollected
        | TrackingReason::DeliveredDamaged
        | TrackingReason::DeliveredIncomplete
        | TrackingReason::Destroyed
        | TrackingReason::Overdue => Err(malformed(format!("{} is not an incident", reason.as_str_name()))),
    }
}

pub(super) fn ruling(ruling: escalation::Ruling) -> Result<Ruling, Malformed> {
    match ruling {
        escalation::Ruling::Approve => Ok(Ruling::Approve),
        escalation::Ruling::Deny => Ok(Ruling::Deny),
        escalation::Ruling::Retry => Ok(Ruling::Retry),
        escalation::Ruling::Unspecified => Err(malformed("the ruling is not given")),
    }
}

/// The lines of a plan, as far as the process must know them.
pub(super) fn lines(plan: &claim::Plan) -> Result<Vec<LinePlan>, Malformed> {
    plan.lines.iter().map(line).collect()
}

fn line(line: &claim::LinePlan) -> Result<LinePlan, Malformed> {
    let without = || malformed(format!("line {} has no resolution", line.line));
    let resolution = Resolution::of_wire(line.resolution()).ok_or_else(without)?;
    let only_with = line.only_with.iter().map(|other| short(*other)).collect::<Result<_, _>>()?;
    let legs = legs(line)?;
    Ok(LinePlan {
        line: short(line.line)?,
        resolution,
        quantity: line.quantity,
        collect: line.collect,
        only_with,
        legs,
    })
}

/// The legs of a line; none: those that its resolution takes, as in plans made before they were listed.
fn legs(line: &claim::LinePlan) -> Result<Vec<Leg>, Malformed> {
    let (resolution, legs) = (line.resolution(), line.legs().collect::<Vec<_>>());
    if legs.is_empty() || legs == proto::legs::of(resolution, line.collect) {
        return Ok(Vec::new());
    }
    if !proto::legs::are_sound(resolution, line.collect, &legs) {
        return Err(malformed(format!("line {} cannot be carried out with the legs it names", line.line)));
    }
    legs.into_iter().map(leg).collect()
}

pub(super) fn assess_reason(reason: AssessReason) -> proto::triage::AssessReason {
    match reason {
        AssessReason::New => proto::triage::AssessReason::New,
        AssessReason::Answered => proto::triage::AssessReason::Answered,
        AssessReason::Denied => proto::triage::AssessReason::Denied,
        AssessReason::ConsentRefused => proto::triage::AssessReason::ConsentRefused,
        AssessReason::NoAnswer => proto::triage::AssessReason::NoAnswer,
        AssessReason::Failed => proto::triage::AssessReason::Failed,
        AssessReason::Reopened => proto::triage::AssessReason::Reopened,
        AssessReason::Basis => proto::triage::AssessReason::Basis,
    }
}

/// What is left of an order line.
pub(super) fn left(left: &Left) -> claim::OrderLineLeft {
    let OrderLine { order_no, sku, line_id } = left.line.clone();
    let Left { free, replaced, sale, .. } = left;
    claim::OrderLineLeft {
        order_no,
        sku,
        line_id,
        free: *free,
        replaced: *replaced,
        version: sale.as_ref().map_or(0, |sale| sale.version),
        sold_quantity: sale.as_ref().map_or(0, |sale| sale.sold),
        paid_total: sale.as_ref().map(|sale| claim::Money { minor_units: sale.total, currency: sale.currency.clone() }),
    }
}

pub(crate) fn outcome(outcome: Outcome) -> ClaimState {
    match outcome {
        Outcome::Closed => ClaimState::Closed,
        Outcome::Rejected => ClaimState::Rejected,
        Outcome::Withdrawn => ClaimState::Withdrawn,
        Outcome::Duplicate => ClaimState::Duplicate,
    }
}

pub(super) fn clocks(clocks: &[Clock]) -> Vec<i32> {
    clocks.iter().map(|clock| kind(*clock).into()).collect()
}

fn kind(clock: Clock) -> escalation::ClockKind {
    match clock {
        Clock::Acknowledgement => escalation::ClockKind::Acknowledgement,
        Clock::FirstFeedback => escalation::ClockKind::FirstFeedback,
        Clock::FinalSolution => escalation::ClockKind::FinalSolution,
    }
}

/// A clock that the process knows; escalation has others.
pub(super) fn clock(told: escalation::ClockKind) -> Result<Clock, Malformed> {
    let known = [Clock::Acknowledgement, Clock::FirstFeedback, Clock::FinalSolution];
    let found = known.into_iter().find(|clock| kind(*clock) == told);
    found.ok_or_else(|| malformed("not a clock that is promised"))
}

/// The kind of a task, and the role of the person who can help.
pub(super) fn task(kind: Task, leg: Leg) -> (escalation::WorkKind, claim::Role) {
    let kind = match kind {
        Task::Support => escalation::WorkKind::Support,
        Task::LegFailed => escalation::WorkKind::LegFailed,
        Task::CompensationFailed => escalation::WorkKind::CompensationFailed,
        // What counts for a claim is not for the warehouse to say.
        Task::ReturnMismatch => return (escalation::WorkKind::ReturnMismatch, claim::Role::Specialist),
    };
    (kind, leg.helper())
}
