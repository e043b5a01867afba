//! What a person decides in place of the rules (S1-14, S1-20). Rules are overridden; facts are not.

use std::collections::BTreeMap;

use chassis::Meta;
use jiff::Timestamp;
use proto::claim::{Assessment, LiabilityParty, LinePlan, Money, Plan, Resolution};
use proto::policy::Pack;
use proto::triage::AssessReason;

use super::ask::{Ask, Line};
use super::eligibility::eligibility;
use super::fee;
use super::judge::{self, Judged};
use super::orders::{Order, Orders};
use super::plan::{self, Goods, MONEY_MAX, Making};
use super::rules::promised_from;
use super::takes::{Stock, Taken};

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
                AssessReason::Unspecified | AssessReason::Answered | AssessReason::Failed => {}
                AssessReason::Basis | AssessReason::NoAnswer => {}
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
    let rules = &pack.triage;
    let mut desk = Desk::new(pack, ask, orders, meta.now, Stock::free(ask).with_replaced());
    for (line, decision) in one_each(ask, decisions)? {
        desk.decide(line, decision, liability);
    }
    let Desk { mut lines, judged, mut misfits, priced, .. } = desk;
    fee::bind(rules, orders, &mut lines);
    if plan::total(&lines).is_some_and(|total| total > MONEY_MAX) && misfits.is_empty() {
        misfits.push((0, "the amount is too great"));
    }
    if !misfits.is_empty() {
        return Err(misfits);
    }
    let assessment = judge::claim(rules, ask, &judged, liability, &meta.actor.subject, meta.now);
    let own_price = priced && pack.four_eyes.own_price;
    Ok((assessment, allowed(pack, ask, lines, round, own_price, meta)))
}

/// Line plans in the making.
pub(super) struct Desk<'a> {
    pack: &'a Pack,
    ask: &'a Ask,
    orders: &'a Orders,
    now: Timestamp,
    /// What can still be taken.
    pub stock: Stock<'a>,
    /// The plans so far.
    pub lines: Vec<LinePlan>,
    /// What the rules think of these lines.
    pub judged: Vec<Judged<'a>>,
    /// What does not fit.
    pub misfits: Misfits,
    /// Something is given at a price that the person made up.
    pub priced: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(pack: &'a Pack, ask: &'a Ask, orders: &'a Orders, now: Timestamp, stock: Stock<'a>) -> Self {
        Self {
            pack,
            ask,
            orders,
            now,
            stock,
            lines: Vec::new(),
            judged: Vec::new(),
            misfits: Misfits::new(),
            priced: false,
        }
    }

    /// The order lines that a line of the claim may be about.
    pub(super) fn found(&self, line: &Line) -> Vec<&'a Order> {
        self.orders.of(self.ask, line, self.ask.claimed_on(&self.pack.triage.time_zone))
    }

    /// What a line takes: a person may take what the rules would find too late.
    pub(super) fn take(&self, line: &Line, found: &[&'a Order], units: u32) -> Taken<'a> {
        let rules = &self.pack.triage;
        let category = judge::category(rules, line).0;
        let claimed_on = self.ask.claimed_on(&rules.time_zone);
        self.stock.take(found, units, |order| eligibility(self.pack, category, order, claimed_on))
    }

    /// One line as it was decided.
    pub(super) fn decide(&mut self, line: &'a Line, decision: &LineDecision, liability: Option<LiabilityParty>) {
        let (pack, rules) = (self.pack, &self.pack.triage);
        let (goods, taken) = self.goods(line, decision);
        let judgement = judge::line(rules, line, goods.value, true);
        let liability = liability.unwrap_or(judgement.liability);
        if decision.resolution == Resolution::Reject {
            self.lines.push(plan::rejected(pack, line, liability, &decision.reason));
        } else {
            let today = rules.time_zone.to_datetime(self.now).date();
            let making = Making {
                resolution: decision.resolution,
                liability,
                channel: self.ask.message.channel(),
                collectable: judgement.rule.collect,
                batch_rule: judgement.rule.batch_rule(),
                return_reason: judgement.rule.return_reason(judgement.category, liability),
                from: promised_from(rules, self.ask, self.now).max(today),
            };
            self.lines.push(plan::line(pack, line, goods, &making));
            if plan::gives(decision.resolution) {
                self.stock.keep(&taken);
            }
        }
        self.judged.push(judgement);
    }

    /// Goods at the price that was paid where it is known, else at the one that the person gives.
    fn goods(&mut self, line: &Line, decision: &LineDecision) -> (Goods, Taken<'a>) {
        let pack = self.pack;
        let found = self.found(line);
        let units = decision.quantity.unwrap_or(line.quantity);
        let mut wrong = |what| self.misfits.push((line.line, what));
        if units > line.quantity {
            wrong("more units than were reported");
        }
        if found.is_empty() {
            let gives = plan::gives(decision.resolution);
            let price = match &decision.unit_price {
                Some(price) if gives && price.minor_units == 0 => {
                    wrong("goods have a price: unit_price must be above 0");
                    price.clone()
                }
                Some(price) => price.clone(),
                None if gives => {
                    wrong("the price paid is not known: unit_price is needed");
                    plan::money(pack, 0)
                }
                None => plan::money(pack, 0),
            };
            if plan::value(price.minor_units, units.max(line.quantity)) > MONEY_MAX {
                wrong("the amount is too great");
            }
            let today = pack.triage.time_zone.to_datetime(self.now).date();
            self.priced |= gives;
            let highest = self.orders.highest(pack, &line.sku);
            return (Goods::priced(pack, self.ask, line, units, &price, today, highest), Taken::default());
        }
        if decision.unit_price.is_some() {
            wrong("the price paid is known: unit_price must not be given, and a part of it cannot be decided");
        }
        let taken = self.take(line, &found, units);
        let gives = plan::gives(decision.resolution);
        if gives && taken.parts.is_empty() {
            self.misfits.push((line.line, "nothing is left of what was sold"));
        } else if decision.quantity.is_some_and(|units| units > taken.units()) && (gives || taken.units() > 0) {
            self.misfits.push((line.line, "more units than were sold, or are left"));
        }
        (Goods::bought(pack, line, &taken), taken)
    }
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

/// A person's plan needs nobody else up to the limit of the person's roles (S0-49).
fn allowed(pack: &Pack, ask: &Ask, lines: Vec<LinePlan>, round: Round, own_price: bool, meta: &Meta) -> Plan {
    let rules = &pack.triage;
    let limits = &rules.authority.person_max;
    let limit = limits.iter().filter(|(role, _)| meta.actor.has_role(&role.to_string())).map(|(_, limit)| *limit).max();
    let total = plan::total(&lines);
    // What was denied once goes to those who may approve again, whoever proposes it now (domain rule 12).
    let inside = total.zip(limit).is_some_and(|(total, limit)| total <= limit);
    let automatic = total == Some(0) || (inside && !round.denied && !own_price);
    let consented = plan::consented(rules, ask, &lines, round.wish_counts);
    Plan { automatic, consented, own_price, ..plan::whole(pack, ask, lines, &meta.actor.subject) }
}
