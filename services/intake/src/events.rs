//! Messages: what intake is told, and what it tells. No personal data leaves in one.

mod notices;

use chassis::{Malformed, Meta, Outgoing};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use prost::Message;
use proto::claim::{ClaimState, Notice, ReportedLine};
use proto::intake::{
    ClaimDuplicate, ClaimSubmitted, ClaimWithdrawn, ContactLogged, CustomerAnswered, FollowUpAnswered, IntakeCommand,
    IntakeEvent, MovedPromise, PlanAnswered, ReadBackConfirmed, intake_command, intake_event,
};
use proto::{ClaimId, Subject, from_wire, to_wire};
use uuid::Uuid;

use crate::domain::{
    Action, Answer, Claim, Command, End, Event, Evidence, Line, Moved, Promised, Report, Until, claim_number,
    evidence_count, is_given,
};

/// Longest subject of a caller.
const SUBJECT_MAX: usize = 64;

/// Reads a command of the orchestrator.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: IntakeCommand = chassis::read("redress.intake.v1.IntakeCommand", subject, payload)?;
    let claim: ClaimId = message.claim_id.parse().map_err(|_| Malformed("claim_id is not a UUID".to_owned()))?;
    let kind = message.kind.ok_or_else(|| Malformed("there is no kind".to_owned()))?;
    Ok(Command::Act { claim, action: action(kind)? })
}

fn action(kind: intake_command::Kind) -> Result<Action, Malformed> {
    use intake_command::Kind;
    Ok(match kind {
        Kind::AskCustomer(ask) => Action::AskCustomer {
            question_id: code("question_id", ask.question_id, 1)?,
            reason: code("reason", ask.reason, 1)?,
            line: number("line", ask.line, 0, 100)?,
        },
        Kind::CloseQuestion(close) => Action::CloseQuestion { question_id: code("question_id", close.question_id, 1)? },
        Kind::ProposePlan(propose) => {
            let plan = propose.plan.ok_or_else(|| Malformed("there is no plan".to_owned()))?;
            number("plan.number", plan.number, 1, NUMBER_MAX)?;
            Action::ProposePlan { plan: Box::new(plan) }
        }
        Kind::WithdrawPlan(withdraw) => {
            Action::WithdrawPlan { plan_number: number("plan_number", withdraw.plan_number, 1, NUMBER_MAX)? }
        }
        Kind::StartFollowUp(start) => Action::StartFollowUp { round: number("round", start.round, 1, NUMBER_MAX)? },
        Kind::MovePromises(moved) => {
            Action::MovePromises(moved.promises.iter().map(promise).collect::<Result<_, _>>()?)
        }
        Kind::EndClaim(end) => Action::EndClaim { end: outcome(end.outcome)?, reason: code("reason", end.reason, 0)? },
    })
}

fn promise(moved: &MovedPromise) -> Result<Moved, Malformed> {
    let promised = match moved.kind.as_str() {
        "ACKNOWLEDGEMENT" => Promised::Acknowledgement,
        "FIRST_FEEDBACK" => Promised::FirstFeedback,
        "SOLUTION" => Promised::Solution,
        _ => return Err(Malformed("a kind of promise is not known".to_owned())),
    };
    let until = match (&moved.due_at, moved.due_on.as_str()) {
        (None, "") => None,
        (Some(at), "") => from_wire(at).map(Until::Time),
        (None, day) => day.parse().ok().map(Until::Day),
        (Some(_), _) => return Err(Malformed("a promise has a time and a day".to_owned())),
    };
    if until.is_none() && !(moved.due_at.is_none() && moved.due_on.is_empty()) {
        return Err(Malformed("a promise has no time that can be kept".to_owned()));
    }
    Ok((promised, until))
}

/// Greatest plan or round number that the database keeps.
const NUMBER_MAX: u32 = i32::MAX.unsigned_abs();

fn code(field: &str, value: String, length_min: usize) -> Result<String, Malformed> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (length_min..=64).contains(&value.len()) && value.bytes().all(fits) {
        return Ok(value);
    }
    Err(Malformed(format!("{field} is not a code of {length_min} to 64 characters")))
}

fn number(field: &str, value: u32, min: u32, max: u32) -> Result<u32, Malformed> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(Malformed(format!("{field} is not {min} to {max}"))) }
}

fn outcome(value: i32) -> Result<End, Malformed> {
    match ClaimState::try_from(value) {
        Ok(ClaimState::Closed) => Ok(End::Closed),
        Ok(ClaimState::Rejected) => Ok(End::Rejected),
        Ok(ClaimState::Withdrawn) => Ok(End::Withdrawn),
        Ok(ClaimState::Duplicate) => Ok(End::Duplicate),
        _ => Err(Malformed("outcome is not CLOSED, REJECTED, WITHDRAWN or DUPLICATE".to_owned())),
    }
}

/// What is told when a claim was recorded.
pub fn submitted(meta: &Meta, claim: &Claim) -> Vec<Outgoing> {
    let mut messages = vec![outgoing(claim.id, claim_submitted(meta, claim)), notices::claim_received(meta, claim)];
    if !claim.possible_duplicates.is_empty() {
        messages.push(notices::possible_duplicate(meta, claim));
    }
    if_heard(claim, messages)
}

/// What subscribers who keep personal data of their own are told of a customer. The stream of no claim is touched.
pub fn of_customer(meta: &Meta, customer_ref: &str, template: &str) -> Outgoing {
    notices::of_customer(meta, customer_ref, template)
}

/// A notice that belongs to no claim.
pub fn to_tell(meta: &Meta, notice: &Notice) -> Outgoing {
    let (notice_id, raised_at) = (meta.new_id().to_string(), Some(to_wire(meta.now)));
    Outgoing::notice(&Notice { notice_id, raised_at, ..notice.clone() })
}

/// What is told when something happened to a claim.
pub fn told(meta: &Meta, claim: &Claim, event: &Event) -> Vec<Outgoing> {
    use intake_event::Kind;
    let messages = match event {
        Event::ReadBackConfirmed(_) => {
            vec![outgoing(claim.id, Kind::ReadBackConfirmed(ReadBackConfirmed {}))]
        }
        Event::ContactLogged(contact) => {
            let logged = ContactLogged { at: Some(to_wire(contact.at)), channel: contact.channel.into() };
            vec![outgoing(claim.id, Kind::ContactLogged(logged))]
        }
        Event::Answered(answer, _) | Event::AnsweredBefore(answer) => vec![answered(meta, claim.id, answer)],
        Event::QuestionAsked(question) => vec![notices::question_asked(meta, claim, question)],
        Event::PlanProposed(plan, _) => vec![notices::plan_proposed(meta, claim, plan)],
        Event::PromisesMoved(now, before) => notices::promises_moved(meta, claim, now, before),
        Event::FollowUpStarted(round) => vec![notices::follow_up(meta, claim, *round)],
        Event::Ended { end, reason, at: _ } => vec![notices::claim_ended(meta, claim, *end, reason)],
        Event::EvidenceAdded(_) | Event::FileKept { .. } | Event::QuestionClosed { .. } | Event::PlanWithdrawn(_) => {
            Vec::new()
        }
    };
    if_heard(claim, messages)
}

/// A canary has no customer: the process is told of it, nobody else.
fn if_heard(claim: &Claim, mut messages: Vec<Outgoing>) -> Vec<Outgoing> {
    messages.retain(|message| !claim.is_canary() || !matches!(message.subject(), Subject::Notice { .. }));
    messages
}

/// Who talks with customers and sees what they show.
const DESK: [&str; 4] = ["specialist", "supervisor", "quality", "management"];

/// Who did something for the customer; empty: the customer did, or what is known is told again because a service asks.
fn for_customer(meta: &Meta) -> String {
    let (customer, service) = (meta.actor.customer.is_some(), meta.actor.is_service());
    if customer || service { String::new() } else { meta.actor.subject.clone() }
}

fn answered(meta: &Meta, claim: ClaimId, answer: &Answer) -> Outgoing {
    use intake_event::Kind;
    let answered_by = for_customer(meta);
    match answer.clone() {
        Answer::Question { question_id, line, order_no, address_given } => {
            let kind =
                Kind::CustomerAnswered(CustomerAnswered { question_id, line, order_no, address_given, answered_by });
            outgoing(claim, kind)
        }
        Answer::Plan { plan_number, accepted } => {
            outgoing(claim, Kind::PlanAnswered(PlanAnswered { plan_number, accepted, answered_by }))
        }
        Answer::FollowUp { round, score } => outgoing(claim, Kind::FollowUpAnswered(FollowUpAnswered { round, score })),
        Answer::Withdrawal => outgoing(claim, Kind::ClaimWithdrawn(ClaimWithdrawn {})),
        Answer::Duplicate { of, number } => {
            let duplicate = ClaimDuplicate { of_claim_id: of.to_string(), of_claim_number: number };
            outgoing(claim, Kind::ClaimDuplicate(duplicate))
        }
    }
}

fn outgoing(claim: ClaimId, kind: intake_event::Kind) -> Outgoing {
    let name = kind.name();
    let message = IntakeEvent { claim_id: claim.to_string(), kind: Some(kind) };
    Outgoing::event("intake", name, claim.0, &message)
}

/// Bytes of the message that will tell the claim: what is accepted must fit into an event.
pub fn submitted_size(report: &Report, now: Timestamp) -> usize {
    let submitted = ClaimSubmitted {
        claim_number: claim_number(now, &TimeZone::UTC, i64::MAX),
        channel: report.channel.into(),
        customer_ref: report.customer_ref.clone(),
        country: report.country.clone(),
        lines: reported(&report.lines, &report.evidence),
        importance: report.importance,
        received_at: Some(to_wire(now)),
        announced_on: day(report.announced_on),
        address_known: Some(is_given(&report.contact.address)),
        reported_by: "s".repeat(SUBJECT_MAX),
        by_staff: true,
        policy_version: u32::MAX,
    };
    let kind = Some(intake_event::Kind::ClaimSubmitted(submitted));
    IntakeEvent { claim_id: Uuid::nil().to_string(), kind }.encoded_len()
}

fn claim_submitted(meta: &Meta, claim: &Claim) -> intake_event::Kind {
    intake_event::Kind::ClaimSubmitted(ClaimSubmitted {
        claim_number: claim.number.clone(),
        channel: claim.channel.into(),
        customer_ref: claim.customer_ref.clone(),
        country: claim.country.clone(),
        lines: reported(&claim.lines, &claim.evidence),
        importance: claim.importance,
        received_at: Some(to_wire(claim.received_at)),
        announced_on: day(claim.announced_on),
        address_known: claim.address_known,
        reported_by: for_customer(meta),
        by_staff: DESK.iter().any(|role| meta.actor.has_role(role)) && meta.actor.customer.is_none(),
        policy_version: claim.policy_version,
    })
}

/// A day on the wire; empty: none.
pub fn day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// The lines as every service sees them: without the free words.
pub fn reported(lines: &[Line], evidence: &[Evidence]) -> Vec<ReportedLine> {
    (1..).zip(lines).map(|(number, line)| reported_line(number, line, evidence_count(evidence, number))).collect()
}

fn reported_line(number: u32, line: &Line, evidence_count: u32) -> ReportedLine {
    ReportedLine {
        line: number,
        order_no: line.order_no.clone(),
        sku: line.sku.clone(),
        batch: line.batch.clone(),
        serials: line.serials.clone(),
        quantity: line.quantity,
        category: line.category.into(),
        wish: line.wish.into(),
        delivered_on: day(line.delivered_on),
        occurred_on: day(line.occurred_on),
        safety_risk: line.safety_risk,
        operation_stopped: line.operation_stopped,
        evidence_count,
    }
}
