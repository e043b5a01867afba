//! Nobody ships to nowhere: a plan that sends or collects goods waits until the customer has said where. The customer is
//! asked once; without an address a person decides what can be done without one.

use jiff::Timestamp;
use proto::claim::Plan;
use proto::policy::triage::Triage;
use proto::triage::AssessReason;

use super::ask::Ask;
use super::person::Misfits;
use super::plan;
use super::rules::{ADDRESS_NEEDED, Outcome, Ruling, Why};
use super::{Case, EntryState, QUESTIONS_MAX, questions};

/// What follows from a plan of the rules.
pub fn of_rules(rules: &Triage, case: &Case, ask: &Ask, outcome: Outcome) -> Outcome {
    let Outcome::Plan(plan) = outcome else { return outcome };
    if !leads_nowhere(ask, &plan) {
        return Outcome::Plan(plan);
    }
    if can_ask(case) {
        return Outcome::Question { reason: ADDRESS_NEEDED.to_owned(), line: 0 };
    }
    let (reason, role) = Why::AddressNeeded.told(rules);
    Outcome::Person { reason: reason.to_owned(), role, proposal: plan.lines }
}

/// What follows from a plan of a person: it is kept while the customer is asked. After that only what needs no address can
/// be decided.
pub fn of_person(case: &Case, ask: &Ask, plan: Plan) -> Result<Outcome, Misfits> {
    if !leads_nowhere(ask, &plan) {
        return Ok(Outcome::Plan(plan));
    }
    if can_ask(case) {
        return Ok(Outcome::AddressFor(plan));
    }
    let travelling = plan.lines.iter().filter(|line| plan::travels(line));
    Err(travelling.map(|line| (line.line, "no address is known: nothing can be sent or collected")).collect())
}

/// The plan of a person that waited for the address which the customer has given now; promised from today.
pub fn kept(rules: &Triage, case: &Case, ask: &Ask, now: Timestamp) -> Option<Ruling> {
    if ask.reason != AssessReason::Answered || !ask.address_is_known() {
        return None;
    }
    let (_, before) = case.entries.range(..ask.assessment()).next_back()?;
    if before.state != EntryState::Question || before.reason != ADDRESS_NEEDED {
        return None;
    }
    let mut plan = before.plan.clone()?;
    plan.number = ask.message.plan_number;
    let today = rules.time_zone.to_datetime(now).date();
    for line in &mut plan.lines {
        line.promised_on = plan::promised(rules, line.resolution(), today);
    }
    let mut assessment = before.judgement.clone()?;
    assessment.number = ask.assessment();
    Some(Ruling { assessment, outcome: Outcome::Plan(plan) })
}

fn leads_nowhere(ask: &Ask, plan: &Plan) -> bool {
    !ask.address_is_known() && plan.lines.iter().any(plan::travels)
}

/// The address is asked for once, and a claim has so many questions.
fn can_ask(case: &Case) -> bool {
    let asked = case.entries.values().any(|entry| entry.reason == ADDRESS_NEEDED);
    !asked && questions(case) < QUESTIONS_MAX
}
