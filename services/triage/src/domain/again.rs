//! A plan that a person has made is made again, since what it rests on has changed: other claims have units that it takes,
//! or there are newer facts. The person is not asked again for that, unless more would be given.

use jiff::Timestamp;
use proto::claim::{LinePlan, Plan, Resolution};
use proto::policy::Pack;

use super::ask::Ask;
use super::fee;
use super::orders::Orders;
use super::person::{Desk, LineDecision, Round};
use super::plan;
use super::rules::{ALREADY_COMPENSATED, Outcome, Why};
use super::takes::Stock;

/// What follows from a person's plan now.
pub fn plan(pack: &Pack, ask: &Ask, orders: &Orders, before: &Plan, round: Round, now: Timestamp) -> Outcome {
    let rules = &pack.triage;
    let mut desk = Desk::new(pack, ask, orders, now, Stock::free(ask));
    let mut why = None;
    for line in &ask.lines {
        let Some(planned) = before.lines.iter().find(|planned| planned.line == line.line) else { continue };
        let found = desk.found(line);
        let left = desk.take(line, &found, planned.quantity).units();
        let is_gone = plan::gives(planned.resolution()) && !found.is_empty() && left == 0;
        if is_gone && desk.stock.was_replaced(&found) {
            why = why.or(Some(Why::AlreadyReplaced));
        }
        let decision = LineDecision {
            line: line.line,
            resolution: if is_gone { Resolution::Reject } else { planned.resolution() },
            quantity: Some(if found.is_empty() || left == 0 { planned.quantity } else { left }),
            unit_price: planned.unit_price.clone().filter(|_| found.is_empty()),
            reason: if is_gone { ALREADY_COMPENSATED.to_owned() } else { planned.reason.clone() },
        };
        desk.decide(line, &decision, Some(planned.freight_payer()));
        if desk.lines.last().is_none_or(|made| is_dearer(made, planned)) {
            why = why.or(Some(Why::FactsChanged));
        }
    }
    let mut lines = desk.lines;
    fee::bind(rules, orders, &mut lines);
    if let Some(why) = why.or((!desk.misfits.is_empty()).then_some(Why::FactsChanged)) {
        let (reason, role) = why.told(rules);
        return Outcome::Person { reason: reason.to_owned(), role, proposal: lines };
    }
    if lines.iter().all(|line| line.resolution() == Resolution::Reject) {
        return Outcome::Refused(ALREADY_COMPENSATED.to_owned());
    }
    let consented = plan::consented(rules, ask, &lines, round.wish_counts);
    Outcome::Plan(Plan {
        automatic: before.automatic,
        consented,
        own_price: before.own_price,
        ..plan::whole(pack, ask, lines, &before.proposed_by)
    })
}

/// Whether more is given than was decided, or it cannot be told.
fn is_dearer(made: &LinePlan, planned: &LinePlan) -> bool {
    let amount = |line: &LinePlan| match (&line.amount, &line.unit_price) {
        (Some(amount), _) => Some(amount.clone()),
        (None, Some(price)) if plan::gives(line.resolution()) => {
            Some(proto::claim::Money { minor_units: plan::value(price.minor_units, line.quantity), ..price.clone() })
        }
        (None, _) => None,
    };
    let more = match (amount(made), amount(planned)) {
        (None, _) => false,
        (Some(made), Some(planned)) => made.currency != planned.currency || made.minor_units > planned.minor_units,
        (Some(_), None) => true,
    };
    let dearer = match (plan::cost(made), plan::cost(planned)) {
        (Some(made), Some(planned)) => made > planned,
        (made, planned) => made.is_some() != planned.is_some(),
    };
    more || dearer
}
