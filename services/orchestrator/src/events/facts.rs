//! Public facts as events of the claim. What a fact needs beyond itself is in the message in hand, or kept beside the
//! process.

use proto::claim::{self, Assessment, ClaimEvent, Money, claim_event};
use proto::escalation::escalation_event;
use proto::inventory::inventory_event;
use proto::triage::triage_event;

use super::{Told, words};
use crate::claim_process::{Fact, Job, Leg, Outcome};
use crate::settlement::Settlement;
use crate::stored::Stored;

/// Takes that fit into an event in any case.
const TAKES_SHORT: usize = 20;
/// Bytes of a plan in an event: the envelope takes less than the rest.
const PLAN_BYTES_MAX: usize = proto::EVENT_BYTES_MAX - 4 * 1024;

/// What the public may know of a fact. `settlement` is that of the fact's work, if it is about one.
pub(crate) fn kind(
    fact: &Fact,
    stored: &Stored,
    told: Option<&Told>,
    settlement: Option<&Settlement>,
) -> claim_event::Kind {
    use claim_event::Kind;
    match fact {
        Fact::Submitted => {
            let submitted = &stored.case.submitted;
            let lines = u32::try_from(submitted.lines.len()).unwrap_or(u32::MAX);
            let customer_ref = submitted.customer_ref.clone();
            Kind::Submitted(claim::Submitted { channel: submitted.channel, lines, customer_ref })
        }
        Fact::QuestionAsked { question, reason } => {
            Kind::QuestionAsked(claim::QuestionAsked { question_id: format!("q{question}"), reason: reason.clone() })
        }
        Fact::QuestionAnswered { question } => {
            Kind::QuestionAnswered(claim::QuestionAnswered { question_id: format!("q{question}") })
        }
        Fact::Assessed => Kind::Assessed(claim::Assessed { assessment: judgement(told) }),
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
            let by = decided_by(told);
            let proposed = stored.plan.as_ref().is_some_and(|plan| plan.proposed_by == by);
            let alone = proposed || stored.is_involved(&by);
            Kind::Approved(claim::Approved { plan_number: *plan, by, alone })
        }
        Fact::Denied { plan } => Kind::Denied(claim::Denied { plan_number: *plan, by: decided_by(told) }),
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
        Fact::ClockMoved => Kind::ClockMoved(clock(told)),
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
    }
}

/// Name of a public event: last token of its subject.
pub(crate) fn name(event: &ClaimEvent) -> &'static str {
    use claim_event::Kind;
    match event.kind {
        Some(Kind::Submitted(_)) => "submitted",
        Some(Kind::QuestionAsked(_)) => "question_asked",
        Some(Kind::QuestionAnswered(_)) => "question_answered",
        Some(Kind::Assessed(_)) => "assessed",
        Some(Kind::PersonAsked(_)) => "person_asked",
        Some(Kind::Planned(_)) => "planned",
        Some(Kind::ApprovalRequested(_)) => "approval_requested",
        Some(Kind::Approved(_)) => "approved",
        Some(Kind::Denied(_)) => "denied",
        Some(Kind::Consented(_)) => "consented",
        Some(Kind::ConsentRefused(_)) => "consent_refused",
        Some(Kind::LegMoved(_)) => "leg_moved",
        Some(Kind::SettlementInstructed(_)) => "settlement_instructed",
        Some(Kind::SettlementPaid(_)) => "settlement_paid",
        Some(Kind::ClockMoved(_)) => "clock_moved",
        Some(Kind::CompensationStarted(_)) => "compensation_started",
        Some(Kind::FollowUpStarted(_)) => "follow_up_started",
        Some(Kind::FollowUpAnswered(_)) => "follow_up_answered",
        Some(Kind::Reopened(_)) => "reopened",
        Some(Kind::Ended(_)) | None => "ended",
    }
}

fn judgement(told: Option<&Told>) -> Option<Assessment> {
    use triage_event::Kind;
    match told {
        Some(Told::Triage(Kind::ClaimJudged(judged))) => judged.judgement.clone(),
        Some(Told::Triage(Kind::ClaimRefused(refused))) => refused.judgement.clone(),
        Some(Told::Triage(Kind::PersonNeeded(needed))) => needed.judgement.clone(),
        _ => None,
    }
}

fn decided_by(told: Option<&Told>) -> String {
    use escalation_event::Kind;
    match told {
        Some(Told::Escalation(Kind::ApprovalGranted(granted))) => granted.by.clone(),
        Some(Told::Escalation(Kind::ApprovalDenied(denied))) => denied.by.clone(),
        _ => String::new(),
    }
}

fn counted(job: Job, told: Option<&Told>) -> Option<claim::ReturnCount> {
    match told {
        Some(Told::Inventory(inventory_event::Kind::ReturnCounted(counted))) if job.leg == Leg::Receipt => {
            counted.count
        }
        _ => None,
    }
}

fn clock(told: Option<&Told>) -> claim::ClockMoved {
    use escalation_event::Kind;
    match told {
        Some(Told::Escalation(Kind::ClockWarned(warned))) => {
            let clock = warned.kind().word().to_owned();
            claim::ClockMoved { clock, percent: warned.percent, deadline: warned.deadline }
        }
        Some(Told::Escalation(Kind::ClockBreached(breached))) => {
            let clock = breached.kind().word().to_owned();
            claim::ClockMoved { clock, percent: 100, deadline: breached.deadline }
        }
        _ => claim::ClockMoved::default(),
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
