//! What a person decides in place of the rules (S1-14, S1-20). Rules are overridden; facts are not.

use std::collections::BTreeMap;

use chassis::Meta;
use proto::claim::{Assessment, LiabilityParty, LinePlan, Money, Plan, Resolution};
use proto::policy::Pack;
use proto::triage::AssessReason;

use super::ask::{Ask, Line};
use super::judge;
use super::orders::{Order, Orders};
use super::plan::{self, MONEY_MAX, Making};
use super::rules::promised_from;

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What follows.
    pub kind: VerdictKind,
    /// Liability, if it is judged otherwise than by the rules.
    pub liability: Option<LiabilityParty>,
    /// Why (S2-33).
    pub note: String,
}

/// What follows from a person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// The customer is asked: reason code of the question.
    Ask(String),
    /// One decision for each line.
    Lines(Vec<LineDecision>),
}

/// What a person decides for one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineDecision {
    /// The line.
    pub line: u32,
    /// What is done.
    pub resolution: Resolution,
    /// Units, if not as reported.
    pub quantity: Option<u32>,
    /// Price per unit, for goods whose purchase or price is not known.
    pub unit_price: Option<Money>,
    /// Reason code of a rejected line.
    pub reason: String,
}

/// What was said of a claim since it was reported or reopened. A question to the customer in between changes nothing of
/// it: neither a denial nor a refusal is forgotten for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// A plan was denied.
    pub denied: bool,
    /// What the customer wished for in the beginning is what they want.
    pub wish_counts: bool,
}

impl Round {
    /// From the reasons for which the claim was judged, newest first.
    pub fn of(reasons: impl IntoIterator<Item = AssessReason>) -> Self {
        let mut round = Self { denied: false, wish_counts: true };
        for reason in reasons {
            match reason {
                AssessReason::Denied => round.denied = true,
                AssessReason::ConsentRefused => round.wish_counts = false,
                AssessReason::Unspecified | AssessReason::Answered | AssessReason::Failed | AssessReason::Basis => {}
                AssessReason::New => break,
                AssessReason::Reopened => {
                    round.wish_counts = false;
                    break;
                }
            }
        }
        round
    }
}

/// A decision that does not fit the claim: line (0: the whole) and what is wrong.
pub type Misfits = Vec<(u32, &'static str)>;

/// The plan that follows from the decisions, and the judgement that goes with it.
pub fn plan(
    pack: &Pack,
    ask: &Ask,
    orders: &Orders,
    decisions: &[LineDecision],
    liability: Option<LiabilityParty>,
    round: Round,
    meta: &Meta,
) -> Result<(Assessment, Plan), Misfits> {
    let by_line = one_each(ask, decisions)?;
    let rules = &pack.triage;
    let mut misfits = Misfits::new();
    let (mut lines, mut judged) = (Vec::new(), Vec::new());
    let received_on = ask.received_on(&rules.time_zone);
    for (line, decision) in by_line {
        let order = orders.find(ask, line, received_on);
        let quantity =
            decision.quantity.unwrap_or_else(|| order.map_or(line.quantity, |o| line.quantity.min(o.quantity)));
        let price = price(pack, order, decision, &mut misfits);
        if quantity > line.quantity {
            misfits.push((line.line, "more units than were reported"));
        } else if order.is_some_and(|order| quantity > order.quantity) {
            misfits.push((line.line, "more units than were sold"));
        }
        let judgement = judge::line(rules, line, price.map(|price| plan::value(price, quantity)));
        let liability = liability.unwrap_or(judgement.liability);
        if decision.resolution == Resolution::Reject {
            lines.push(plan::rejected(pack, line, liability, &decision.reason));
        } else {
            let making = Making {
                resolution: decision.resolution,
                quantity,
                order_no: order.map_or("", |order| &order.order_no),
                sold_quantity: order.map_or(line.quantity, |order| order.quantity),
                unit_price: price.unwrap_or(0),
                liability,
                channel: ask.message.channel(),
                collectable: judgement.rule.collect,
                batch_rule: judgement.rule.batch_rule(),
                return_reason: judgement.rule.return_reason(judgement.category, liability),
                from: promised_from(rules, ask, meta.now).max(rules.time_zone.to_datetime(meta.now).date()),
            };
            if plan::value(making.unit_price, quantity) > MONEY_MAX {
                misfits.push((line.line, "the amount is too great"));
            }
            lines.push(plan::line(pack, line, &making));
        }
        judged.push(judgement);
    }
    if plan::total(&lines) > MONEY_MAX && misfits.is_empty() {
        misfits.push((0, "the amount is too great"));
    }
    if !misfits.is_empty() {
        return Err(misfits);
    }
    let assessment = judge::claim(rules, ask, &judged, liability, &meta.actor.subject, meta.now);
    Ok((assessment, allowed(pack, ask, lines, round, meta)))
}

/// Exactly one decision for each line, in the order of the claim.
fn one_each<'a>(ask: &'a Ask, decisions: &'a [LineDecision]) -> Result<Vec<(&'a Line, &'a LineDecision)>, Misfits> {
    let mut misfits = Misfits::new();
    let mut by_line = BTreeMap::new();
    for decision in decisions {
        if !ask.lines.iter().any(|line| line.line == decision.line) {
            misfits.push((decision.line, "the claim has no such line"));
        }
        if by_line.insert(decision.line, decision).is_some() {
            misfits.push((decision.line, "the line is decided twice"));
        }
    }
    let mut pairs = Vec::new();
    for line in &ask.lines {
        match by_line.get(&line.line) {
            Some(decision) => pairs.push((line, *decision)),
            None => misfits.push((line.line, "the line is not decided")),
        }
    }
    if misfits.is_empty() { Ok(pairs) } else { Err(misfits) }
}

/// Price per unit: the one paid where it is known, else the one the person gives.
fn price(pack: &Pack, order: Option<&Order>, decision: &LineDecision, misfits: &mut Misfits) -> Option<i64> {
    let paid = order.filter(|order| order.unit_price.currency == pack.currency);
    match (paid, &decision.unit_price) {
        (Some(order), None) => Some(order.unit_price.minor_units),
        (Some(_), Some(_)) => {
            misfits.push((decision.line, "the price paid is known: unit_price must not be given"));
            None
        }
        (None, Some(given)) if given.currency != pack.currency => {
            misfits.push((decision.line, "unit_price is not in the currency of the policy"));
            None
        }
        (None, Some(given)) => Some(given.minor_units),
        (None, None) if plan::gives(decision.resolution) => {
            misfits.push((decision.line, "the price paid is not known: unit_price is needed"));
            None
        }
        (None, None) => None,
    }
}

/// A person's plan needs nobody else up to the limit of the person's roles (S0-49).
fn allowed(pack: &Pack, ask: &Ask, lines: Vec<LinePlan>, round: Round, meta: &Meta) -> Plan {
    let rules = &pack.triage;
    let limits = &rules.authority.person_max;
    let limit = limits.iter().filter(|(role, _)| meta.actor.has_role(&role.to_string())).map(|(_, limit)| *limit).max();
    let total = plan::total(&lines);
    // What was denied once goes to those who may approve again, whoever proposes it now (domain rule 12).
    let own_authority = !round.denied && limit.is_some_and(|limit| total <= limit);
    let automatic = total == 0 || own_authority;
    let consented = plan::consented(rules, ask, &lines, round.wish_counts);
    Plan { automatic, consented, ..plan::whole(pack, ask, lines, &meta.actor.subject) }
}
