//! What subscribers hear: which facts become public events, and what is in them. What a fact needs beyond itself is in the
//! message in hand, or kept beside the process; a fact that meets another message is not told empty, the command is parked.

use chassis::{Outgoing, Refusal};
use jiff::Timestamp;
use proto::claim::{self, Assessment, ClaimEvent, ClaimState, LegState, Money, WaitingFor, claim_event};
use proto::escalation::escalation_event;
use proto::inventory::inventory_event;
use proto::to_wire;
use proto::triage::triage_event;
use uuid::Uuid;

use super::{SourceMessage, words};
use crate::claim_process::{self, Command, Fact, Job, Leg, Outcome};
use crate::settlement::Settlement;
use crate::stored::Stored;

/// Takes that fit into an event in any case.
const TAKES_SHORT: usize = 20;
/// Bytes of a plan in an event: the envelope takes less than the rest.
const PLAN_BYTES_MAX: usize = proto::EVENT_BYTES_MAX - 4 * 1024;

/// With this many public events only what people must know is told: the legs are read from the process.
const EVENTS_BRIEF: u32 = claim_process::EVENTS_FULL + 100;

/// The claim after the step that asked something: what a public event says of it.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub state: ClaimState,
    pub waiting_for: WaitingFor,
    pub round: u16,
}

/// That a service of ours was asked is told with its answer, unless nothing else is told: subscribers and the broker are
/// spared what is over in a moment.
pub(crate) fn spare(commands: &mut Vec<Command>) {
    let is_asked = |command: &Command| matches!(command, Command::Announce(Fact::LegMoved { job, state: LegState::Started, .. }) if !job.leg.is_of_people());
    if commands.iter().any(|command| matches!(command, Command::Announce(_)) && !is_asked(command)) {
        commands.retain(|command| !is_asked(command));
    }
}

/// What is instructed without being paid was nothing; and the timeline of a claim ends somewhere (P56).
fn is_public(fact: &Fact, stored: &Stored, settlement: Option<&Settlement>) -> bool {
    match fact {
        Fact::Ended { .. } => true,
        _ if stored.events + 1 >= claim_process::EVENTS_MAX => false,
        // The plan says so itself.
        Fact::Consented { .. } => !stored.plan.as_ref().is_some_and(|plan| plan.consented),
        Fact::SettlementInstructed { .. } => settlement.is_some(),
        Fact::LegMoved { .. } | Fact::PersonAsked { .. } | Fact::ClockMoved => stored.events < EVENTS_BRIEF,
        _ => true,
    }
}

/// The next public event of a claim, numbered 1, 2, 3 … without gaps; `None`: the fact is not public. `policy` names the
/// version that the claim goes by; `settlement` is that
/// of the fact's work, if it is about one.
pub(crate) fn event(
    (fact, view): (&Fact, View),
    claim: Uuid,
    stored: &mut Stored,
    policy: &str,
    now: Timestamp,
    told: Option<&SourceMessage>,
    settlement: Option<&Settlement>,
) -> Result<Option<Outgoing>, Refusal> {
    if !is_public(fact, stored, settlement) {
        return Ok(None);
    }
    let kind = kind(fact, stored, policy, told, settlement)?;
    // Only the last event of a claim says that it has ended: what led there carries the state before.
    let last = matches!(fact, Fact::Ended { .. }) || !view.state.has_ended();
    let (state, waiting_for) = match last {
        true => (view.state as i32, view.waiting_for as i32),
        false => (stored.summary.state, stored.summary.waiting_for),
    };
    stored.events += 1;
    stored.changed_at = now;
    let name = kind.name();
    let event = ClaimEvent {
        claim_id: claim.to_string(),
        number: stored.events,
        claim_number: stored.case.submitted.claim_number.clone(),
        occurred_at: Some(to_wire(now)),
        round: u32::from(view.round),
        state,
        waiting_for,
        kind: Some(kind),
    };
    Ok(Some(Outgoing::claim(claim, name, event.number, &event)))
}

/// What is in the event.
pub(crate) fn kind(
    fact: &Fact,
    stored: &Stored,
    policy: &str,
    told: Option<&SourceMessage>,
    settlement: Option<&Settlement>,
) -> Result<claim_event::Kind, Refusal> {
    use claim_event::Kind;
    Ok(match fact {
        Fact::Submitted => {
            let submitted = &stored.case.submitted;
            let lines = u32::try_from(submitted.lines.len()).unwrap_or(u32::MAX);
            let (channel, customer_ref) = (submitted.channel, submitted.customer_ref.clone());
            Kind::Submitted(claim::Submitted { channel, lines, customer_ref, policy: policy.to_owned() })
        }
        Fact::QuestionAsked { question, reason } => {
            Kind::QuestionAsked(claim::QuestionAsked { question_id: format!("q{question}"), reason: reason.clone() })
        }
        Fact::QuestionAnswered { question } => {
            Kind::QuestionAnswered(claim::QuestionAnswered { question_id: format!("q{question}") })
        }
        Fact::Assessed => Kind::Assessed(claim::Assessed { assessment: judgement(told)? }),
        Fact::PersonAsked { reason, line } => {
            Kind::PersonAsked(claim::PersonAsked { reason: reason.clone(), line: u32::from(*line) })
        }
        Fact::Planned => {
            let alone =
                stored.plan.as_ref().is_some_and(|plan| plan.automatic && stored.is_involved(&plan.proposed_by));
            Kind::Planned(claim::Planned { plan: stored.plan.clone().map(fitting), alone })
        }
        Fact::ApprovalRequested { plan } => Kind::ApprovalRequested(claim::ApprovalRequested { plan_number: *plan }),
        Fact::Approved { plan } => {
            let by = decided_by(told)?;
            let proposed = stored.plan.as_ref().is_some_and(|plan| plan.proposed_by == by);
            let alone = proposed || stored.is_involved(&by);
            Kind::Approved(claim::Approved { plan_number: *plan, by, alone })
        }
        Fact::Denied { plan } => Kind::Denied(claim::Denied { plan_number: *plan, by: decided_by(told)? }),
        Fact::Consented { plan } => Kind::Consented(claim::Consented { plan_number: *plan }),
        Fact::ConsentRefused { plan } => Kind::ConsentRefused(claim::ConsentRefused { plan_number: *plan }),
        Fact::LegMoved { job, state, detail, quantity } => Kind::LegMoved(claim::LegMoved {
            line: u32::from(job.line),
            leg: job.leg.wire() as i32,
            state: *state as i32,
            detail: (*detail).to_owned(),
            quantity: *quantity,
            count: counted(*job, told),
            tracking_no: stored.case.tracking_no(*job),
        }),
        Fact::SettlementInstructed { job } => {
            let (settlement_id, amount) = paid(settlement);
            let (line, freight_kept) = (u32::from(job.line), settlement.and_then(freight_kept));
            Kind::SettlementInstructed(claim::SettlementInstructed { settlement_id, line, amount, freight_kept })
        }
        Fact::SettlementPaid { job } => {
            let (settlement_id, amount) = paid(settlement);
            let line = u32::from(job.line);
            let by = settlement.map(|settlement| settlement.confirmed_by.as_str()).filter(|by| !by.is_empty());
            let alone = by.is_some_and(|by| stored.has_decided(by));
            Kind::SettlementPaid(claim::SettlementPaid { settlement_id, line, amount, alone })
        }
        Fact::ClockMoved => Kind::ClockMoved(clock(told)?),
        Fact::CompensationStarted { reason } => {
            Kind::CompensationStarted(claim::CompensationStarted { reason: (*reason).to_owned() })
        }
        Fact::FollowUpStarted { round } => Kind::FollowUpStarted(claim::FollowUpStarted { round: u32::from(*round) }),
        Fact::FollowUpAnswered { round, score } => {
            Kind::FollowUpAnswered(claim::FollowUpAnswered { round: u32::from(*round), score: *score })
        }
        Fact::Reopened { round, score } => Kind::Reopened(claim::Reopened { round: u32::from(*round), score: *score }),
        Fact::Ended { outcome, reason } => {
            let duplicate_of = match outcome {
                Outcome::Duplicate => stored.case.duplicate_of.clone(),
                Outcome::Closed | Outcome::Rejected | Outcome::Withdrawn => String::new(),
            };
            Kind::Ended(claim::Ended { outcome: words::outcome(*outcome) as i32, reason: reason.clone(), duplicate_of })
        }
    })
}

/// The fact is about another message than the one in hand.
fn other(fact: &str) -> Refusal {
    Refusal::park(format!("the message in hand does not say what the public fact \"{fact}\" needs"))
}

fn judgement(told: Option<&SourceMessage>) -> Result<Option<Assessment>, Refusal> {
    use triage_event::Kind;
    match told {
        Some(SourceMessage::Triage(Kind::ClaimJudged(judged))) => Ok(judged.judgement.clone()),
        Some(SourceMessage::Triage(Kind::ClaimRefused(refused))) => Ok(refused.judgement.clone()),
        Some(SourceMessage::Triage(Kind::PersonNeeded(needed))) => Ok(needed.judgement.clone()),
        _ => Err(other("assessed")),
    }
}

fn decided_by(told: Option<&SourceMessage>) -> Result<String, Refusal> {
    use escalation_event::Kind;
    match told {
        Some(SourceMessage::Escalation(Kind::ApprovalGranted(granted))) => Ok(granted.by.clone()),
        Some(SourceMessage::Escalation(Kind::ApprovalDenied(denied))) => Ok(denied.by.clone()),
        _ => Err(other("decided")),
    }
}

fn counted(job: Job, told: Option<&SourceMessage>) -> Option<claim::ReturnCount> {
    match told {
        Some(SourceMessage::Inventory(inventory_event::Kind::ReturnCounted(counted))) if job.leg == Leg::Receipt => {
            counted.count
        }
        _ => None,
    }
}

fn clock(told: Option<&SourceMessage>) -> Result<claim::ClockMoved, Refusal> {
    use escalation_event::Kind;
    match told {
        Some(SourceMessage::Escalation(Kind::ClockWarned(warned))) => {
            let clock = warned.kind().word().to_owned();
            Ok(claim::ClockMoved { clock, percent: warned.percent, deadline: warned.deadline })
        }
        Some(SourceMessage::Escalation(Kind::ClockBreached(breached))) => {
            let clock = breached.kind().word().to_owned();
            Ok(claim::ClockMoved { clock, percent: 100, deadline: breached.deadline })
        }
        _ => Err(other("clock moved")),
    }
}

fn paid(settlement: Option<&Settlement>) -> (String, Option<Money>) {
    let Some(settlement) = settlement else { return (String::new(), None) };
    let amount = Money { minor_units: settlement.amount, currency: settlement.currency.clone() };
    (settlement.settlement_id.to_string(), Some(amount))
}

fn freight_kept(settlement: &Settlement) -> Option<Money> {
    let kept = Money { minor_units: settlement.freight_kept, currency: settlement.currency.clone() };
    Some(kept).filter(|kept| kept.minor_units > 0)
}

/// A plan as subscribers are told it: without the order lines it takes from, where they are too many for an event.
fn fitting(mut plan: claim::Plan) -> claim::Plan {
    let is_long = plan.lines.iter().map(|line| line.takes.len()).sum::<usize>() > TAKES_SHORT;
    if is_long && serde_json::to_vec(&plan).is_ok_and(|text| text.len() > PLAN_BYTES_MAX) {
        plan.lines.iter_mut().for_each(|line| line.takes.clear());
    }
    plan
}
