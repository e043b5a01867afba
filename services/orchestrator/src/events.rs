//! The only translator between messages and the process: message to process event, process command to message, public
//! fact to numbered event and notice.

mod commands;
mod notices;
mod public;
#[cfg(test)]
mod tests;
mod words;

use chassis::Malformed;
use proto::escalation::{EscalationEvent, escalation_event};
use proto::intake::{IntakeEvent, intake_event};
use proto::inventory::{InventoryEvent, ReturnCounted, inventory_event};
use proto::logistics::{LogisticsEvent, ShipmentState, TrackingReason, logistics_event};
use proto::orchestrator::{LegStatus, Waiting};
use proto::triage::{TriageEvent, triage_event};
use proto::{Subject, claim, from_wire, ids};
use uuid::Uuid;

use crate::claim_process::{self, Count, Event, Incident, Leg, LegEvent, Parcel, Process, Return, Stock, Visit};
use crate::command::{Command, Heard, SourceMessage};

pub(crate) use commands::message;
pub(crate) use notices::{answer_reminder, notice_for_customer, notice_for_finance, plan_agreed, refund_instructed};
#[cfg(test)]
pub(crate) use public::kind as public_kind;
pub(crate) use public::{View, event, spare};

/// Reads a message of a service.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let Subject::Event { service, .. } = subject else { return Err(malformed("not an event of a service")) };
    match service.as_str() {
        "intake" => {
            let IntakeEvent { claim_id, kind } = chassis::read("redress.intake.v1.IntakeEvent", subject, payload)?;
            intake(claim_of(&claim_id)?, kind.ok_or_else(no_kind)?)
        }
        "triage" => {
            let TriageEvent { claim_id, kind } = chassis::read("redress.triage.v1.TriageEvent", subject, payload)?;
            let kind = kind.ok_or_else(no_kind)?;
            told(claim_of(&claim_id)?, triage(&kind)?, SourceMessage::Triage(kind))
        }
        "inventory" => {
            let InventoryEvent { job, kind } = chassis::read("redress.inventory.v1.InventoryEvent", subject, payload)?;
            let (kind, job) = (kind.ok_or_else(no_kind)?, job.ok_or_else(no_job)?);
            told(claim_of(&job.claim_id)?, inventory(&job, &kind)?, SourceMessage::Inventory(kind))
        }
        "logistics" => {
            let LogisticsEvent { job, direction, kind } =
                chassis::read("redress.logistics.v1.LogisticsEvent", subject, payload)?;
            let (kind, job) = (kind.ok_or_else(no_kind)?, job.ok_or_else(no_job)?);
            let claim = claim_of(&job.claim_id)?;
            told(claim, logistics(&job, direction, &kind)?, SourceMessage::Logistics(kind))
        }
        "escalation" => {
            let EscalationEvent { claim_id, kind } =
                chassis::read("redress.escalation.v1.EscalationEvent", subject, payload)?;
            let kind = kind.ok_or_else(no_kind)?;
            told(claim_of(&claim_id)?, escalation(&kind)?, SourceMessage::Escalation(kind))
        }
        other => Err(malformed(format!("{other} is not a service that tells anything"))),
    }
}

fn intake(claim: Uuid, kind: intake_event::Kind) -> Result<Command, Malformed> {
    use intake_event::Kind;
    let event = match &kind {
        Kind::ClaimSubmitted(submitted) => {
            submitted.received_at.as_ref().and_then(from_wire).ok_or_else(|| malformed("received_at is missing"))?;
            return Ok(Command::Begin { claim, submitted: submitted.clone() });
        }
        Kind::CustomerAnswered(answer) => {
            let question = answer.question_id.strip_prefix('q').and_then(|number| number.parse().ok());
            Event::CustomerAnswered { question: question.ok_or_else(|| malformed("not a question of ours"))? }
        }
        Kind::ClaimWithdrawn(_) => Event::Withdrawn,
        Kind::ClaimDuplicate(_) => Event::Duplicate,
        Kind::PlanAnswered(answer) => Event::PlanAnswered { plan: answer.plan_number, accepted: answer.accepted },
        Kind::FollowUpAnswered(answer) => {
            let heard = Heard::FollowUpAnswered { round: words::short(answer.round)?, score: answer.score };
            return told(claim, heard, SourceMessage::Intake(kind));
        }
        Kind::ReadBackConfirmed(_) => Event::ReadBackConfirmed,
        Kind::ContactLogged(contact) => {
            contact.at.as_ref().and_then(from_wire).ok_or_else(|| malformed("it does not say when they talked"))?;
            Event::ContactLogged
        }
    };
    told(claim, event, SourceMessage::Intake(kind))
}

fn triage(kind: &triage_event::Kind) -> Result<Heard, Malformed> {
    use triage_event::Kind;
    let event = match kind {
        Kind::ClaimJudged(judged) => {
            let plan = judged.plan.as_ref().ok_or_else(|| malformed("there is no plan"))?;
            return Ok(Heard::Judged { assessment: judged.assessment, lines: words::lines(plan)? });
        }
        Kind::ClaimRefused(refused) => {
            Event::Refused { assessment: refused.assessment, reason: refused.reason.clone() }
        }
        Kind::PersonNeeded(needed) => {
            Event::PersonNeeded { assessment: needed.assessment, reason: needed.reason.clone(), role: needed.role() }
        }
        Kind::AnswerNeeded(needed) => Event::AnswerNeeded {
            assessment: needed.assessment,
            line: words::short(needed.line)?,
            reason: needed.reason.clone(),
        },
    };
    Ok(Heard::Plainly(event))
}

fn inventory(job: &claim::Job, kind: &inventory_event::Kind) -> Result<Event, Malformed> {
    use inventory_event::Kind;
    let stock = |news| (Leg::Reservation, LegEvent::Stock(news));
    let (leg, news) = match kind {
        Kind::Reserved(_) => stock(Stock::Reserved),
        Kind::ReservedPartly(_) => stock(Stock::ReservedPartly),
        Kind::ReservationFailed(failed) if failed.reason == "BATCH_UNKNOWN" => stock(Stock::BatchUnknown),
        Kind::ReservationFailed(_) => stock(Stock::Failed),
        Kind::Consumed(_) => stock(Stock::Consumed),
        Kind::Released(_) => stock(Stock::Released),
        Kind::Expired(_) => stock(Stock::Expired),
        Kind::ReturnCounted(counted) => {
            let count = counted.count.as_ref().ok_or_else(|| malformed("there is no count"))?;
            let (unclear, wrong_item) = (count.damaged.saturating_add(count.not_as_claimed), count.wrong_item);
            let (accepted, other) = (count.accepted, unclear.saturating_add(wrong_item));
            let count = Count { accepted, other, unclear, wrong_item };
            let ReturnCounted { complete, late, .. } = *counted;
            (Leg::Receipt, LegEvent::Return(Return::Counted { count, complete, late }))
        }
        Kind::ReturnCancelled(cancelled) => {
            (Leg::Receipt, LegEvent::Return(Return::Cancelled { accepted: cancelled.accepted }))
        }
    };
    Ok(Event::Work { job: words::job(job, leg)?, news })
}

fn logistics(job: &claim::Job, direction: i32, kind: &logistics_event::Kind) -> Result<Event, Malformed> {
    use logistics_event::Kind;
    let news = match kind {
        Kind::Booked(_) => Parcel::Booked,
        Kind::BookingFailed(_) => Parcel::BookingFailed,
        Kind::HandedOver(_) => Parcel::HandedOver,
        Kind::Delivered(delivered) => match delivered.reason() {
            TrackingReason::DeliveredDamaged => Parcel::DeliveredDamaged,
            TrackingReason::DeliveredIncomplete => Parcel::DeliveredIncomplete,
            _ => Parcel::Delivered,
        },
        Kind::Exception(exception) => match exception.state() {
            ShipmentState::Delayed => Parcel::Delayed(words::day(&exception.expected_on)?),
            ShipmentState::Damaged => Parcel::Damaged,
            ShipmentState::Lost => Parcel::Lost,
            ShipmentState::Refused => Parcel::Refused,
            other => return Err(malformed(format!("{} is not an exception", other.as_str_name()))),
        },
        Kind::Cancelled(_) => Parcel::Cancelled,
        Kind::CancelRefused(_) => Parcel::CancelRefused,
        Kind::Incident(told) => Parcel::Incident(words::incident(told.reason())?, told.number),
        Kind::BookingConfirmed(confirmed) => Parcel::Incident(Incident::Confirmed, confirmed.number),
        Kind::VisitArranged(_) => return visit(job, Visit::Arranged),
        Kind::VisitProposed(_) => return visit(job, Visit::Proposed),
        Kind::VisitAppointed(told) => return visit(job, Visit::Appointed(words::day(&told.day)?)),
        Kind::VisitStarted(_) => return visit(job, Visit::Started),
        Kind::VisitDone(_) => return visit(job, Visit::Done),
        Kind::VisitFailed(_) => return visit(job, Visit::InVain),
        Kind::VisitCancelled(_) => return visit(job, Visit::Cancelled),
        Kind::VisitCancelRefused(_) => return visit(job, Visit::CancelRefused),
    };
    let leg = words::leg_of_direction(direction)?;
    Ok(Event::Work { job: words::job(job, leg)?, news: LegEvent::Parcel(news) })
}

/// What is told of a visit goes no way.
fn visit(job: &claim::Job, news: Visit) -> Result<Event, Malformed> {
    Ok(Event::Work { job: words::job(job, Leg::Visit)?, news: LegEvent::Visit(news) })
}

fn escalation(kind: &escalation_event::Kind) -> Result<Event, Malformed> {
    use escalation_event::Kind;
    Ok(match kind {
        Kind::ApprovalGranted(granted) => Event::ApprovalGranted { plan: granted.plan_number },
        Kind::ApprovalDenied(denied) => Event::ApprovalDenied { plan: denied.plan_number },
        Kind::ClockWarned(_) | Kind::ClockBreached(_) => Event::ClockMoved,
        Kind::DeadlineMoved(moved) => {
            moved.deadline.as_ref().and_then(from_wire).ok_or_else(|| malformed("there is no deadline"))?;
            Event::DeadlineMoved { round: words::short(moved.round)?, clock: words::clock(moved.kind())? }
        }
        Kind::TaskDecided(decided) => {
            let job = decided.job.as_ref().ok_or_else(no_job)?;
            let news = LegEvent::Ruled(words::ruling(decided.ruling())?);
            Event::Work { job: words::job(job, words::leg(decided.leg())?)?, news }
        }
        Kind::TaskClosed(closed) => {
            let job = closed.job.as_ref().ok_or_else(no_job)?;
            Event::Work { job: words::job(job, words::leg(closed.leg())?)?, news: LegEvent::TaskClosed }
        }
    })
}

/// Legs of the plan in force, as the contract says it.
pub(crate) fn legs(process: &Process) -> Vec<LegStatus> {
    let legs = claim_process::leg_statuses(process).into_iter().map(|status| LegStatus {
        line: u32::from(status.job.line),
        leg: status.job.leg.wire() as i32,
        state: status.state as i32,
        attempt: u32::from(status.job.attempt),
        waiting_for: status.waiting_for as i32,
    });
    legs.collect()
}

/// All that a claim waits for, as the contract says it.
pub(crate) fn waiting(process: &Process) -> Vec<Waiting> {
    let waits = claim_process::waits(process).into_iter().map(|waits| Waiting {
        party: waits.party as i32,
        role: waits.role as i32,
        line: u32::from(waits.line),
        leg: waits.leg.map_or(claim::Leg::Unspecified, Leg::wire) as i32,
        reason: waits.reason,
    });
    waits.collect()
}

fn told(claim: Uuid, heard: impl Into<Heard>, told: SourceMessage) -> Result<Command, Malformed> {
    Ok(Command::Learn { claim, heard: heard.into(), told: Box::new(told) })
}

fn claim_of(text: &str) -> Result<Uuid, Malformed> {
    ids::parse(text).map_err(|_| malformed("the claim is not named by a UUID"))
}

fn malformed(why: impl Into<String>) -> Malformed {
    Malformed(why.into())
}

fn no_kind() -> Malformed {
    malformed("it does not say what happened, or says it in words of a newer version")
}

fn no_job() -> Malformed {
    malformed("it does not say which work it is about")
}
