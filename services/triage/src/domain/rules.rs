//! What the rules say: plan, refusal, a person, or a question. The worst line decides.

use jiff::Timestamp;
use jiff::civil::Date;
use proto::claim::{Assessment, Category, LinePlan, Plan, Resolution, Role, Severity};
use proto::policy::Pack;
use proto::policy::triage::{Kind, Triage};
use proto::triage::AssessReason;

use super::ask::{Ask, Line};
use super::eligibility::{Eligibility, eligibility};
use super::judge::{self, Judged};
use super::orders::{Order, Orders};
use super::plan::{self, Making};

/// Who judges, when it is the rules.
pub const RULES: &str = "rules";
/// The customer is asked for the order number.
pub const ORDER_NUMBER_NEEDED: &str = "ORDER_NUMBER_NEEDED";
/// The line is about something that is no goods.
pub const NOT_GOODS: &str = "NOT_GOODS";
/// The line is about a purchase that is not known.
pub const ORDER_NOT_FOUND: &str = "ORDER_NOT_FOUND";
/// The line came too late.
pub const OUTSIDE_WINDOW: &str = "OUTSIDE_WINDOW";

/// Why the rules do not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Worth more than the policy lets rules decide.
    ValueHigh,
    /// Outside window and warranty.
    OutsideWindow,
    /// The category says nothing.
    CategoryUnclear,
    /// The category is never decided by rules.
    JudgementNeeded,
    /// Sold in another currency than the pack's.
    CurrencyUnknown,
    /// Sold to nobody known, and something would be given before the goods are back: any finder of the number could ask.
    AnonymousOrder,
    /// The customer named an order that is not known.
    OrderNotFound,
    /// The plan was denied.
    Denied,
    /// The customer refused the plan.
    ConsentRefused,
    /// The plan could not be carried out.
    LegFailed,
    /// The customer is dissatisfied.
    Reopened,
}

impl Why {
    /// The stable code, and whom it waits for.
    pub fn told(self, rules: &Triage) -> (&'static str, Role) {
        let roles = &rules.work_items.roles;
        let (code, role) = match self {
            Self::ValueHigh => ("VALUE_HIGH", roles.value_high),
            Self::OutsideWindow => (OUTSIDE_WINDOW, roles.outside_window),
            Self::CategoryUnclear => ("CATEGORY_UNCLEAR", roles.category_unclear),
            Self::JudgementNeeded => ("JUDGEMENT_NEEDED", roles.judgement_needed),
            Self::CurrencyUnknown => ("CURRENCY_UNKNOWN", roles.currency_unknown),
            Self::AnonymousOrder => ("ANONYMOUS_ORDER", roles.anonymous_order),
            Self::OrderNotFound => (ORDER_NOT_FOUND, roles.order_not_found),
            Self::Denied => ("DENIED", roles.denied),
            Self::ConsentRefused => ("CONSENT_REFUSED", roles.consent_refused),
            Self::LegFailed => ("LEG_FAILED", roles.leg_failed),
            Self::Reopened => ("REOPENED", roles.reopened),
        };
        (code, role.0)
    }
}

/// What the rules say of a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// The judgement.
    pub assessment: Assessment,
    /// What follows.
    pub outcome: Outcome,
}

/// What follows from a judgement: one of four, always.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// There is a plan.
    Plan(Plan),
    /// The claim is refused.
    Refused(String),
    /// A person decides.
    Person {
        /// Why.
        reason: String,
        /// Whom it waits for.
        role: Role,
        /// What the rules would do; lines they know nothing about are absent.
        proposal: Vec<LinePlan>,
    },
    /// The customer is asked.
    Question {
        /// What.
        reason: String,
        /// The line it is about; 0: the whole claim.
        line: u32,
    },
}

/// What the rules say of one line.
enum Says {
    Do(LinePlan),
    Refuse(&'static str, LinePlan),
    AskPerson(Why, Option<LinePlan>),
    AskCustomer,
}

/// Rules on a claim. `person`: the person with this role and reason had asked the customer, and gets it back.
pub fn rule(pack: &Pack, ask: &Ask, orders: &Orders, person: Option<(String, Role)>, now: Timestamp) -> Ruling {
    let rules = &pack.triage;
    let received_on = ask.received_on(&rules.time_zone);
    let found: Vec<_> = ask.lines.iter().map(|line| (line, orders.find(ask, line, received_on))).collect();
    let judged: Vec<_> =
        found.iter().map(|(line, order)| judge::line(rules, line, worth(pack, line, *order))).collect();
    let says = found.iter().zip(&judged).map(|((line, order), judged)| says(pack, ask, line, *order, judged, now));
    let says: Vec<_> = says.collect();
    let assessment = judge::claim(rules, ask, &judged, None, RULES, now);
    // Nobody is asked about a canary, neither customer nor person: it has come as far as it should (P54).
    if ask.is_canary() {
        return Ruling { assessment, outcome: Outcome::Refused(proto::canary::REASON.to_owned()) };
    }
    let outcome = match person.or_else(|| always_person(rules, ask.reason)) {
        Some((reason, role)) => Outcome::Person { reason, role, proposal: proposal(says) },
        None => combine(pack, ask, says, assessment.severity()),
    };
    Ruling { assessment, outcome }
}

/// A person goes on where questions to the customer lead nowhere.
pub fn unanswered(rules: &Triage) -> Outcome {
    let (reason, role) = Why::OrderNotFound.told(rules);
    Outcome::Person { reason: reason.to_owned(), role, proposal: Vec::new() }
}

/// Value of the units concerned, if they were sold in the pack's currency.
fn worth(pack: &Pack, line: &Line, order: Option<&Order>) -> Option<i64> {
    let order = order.filter(|order| order.unit_price.currency == pack.currency)?;
    Some(plan::value(order.unit_price.minor_units, line.quantity.min(order.quantity)))
}

/// Reasons that no rule decides: what the rules made was not good enough.
fn always_person(rules: &Triage, reason: AssessReason) -> Option<(String, Role)> {
    let why = match reason {
        AssessReason::Unspecified | AssessReason::New | AssessReason::Answered | AssessReason::Basis => return None,
        AssessReason::Denied => Why::Denied,
        AssessReason::ConsentRefused => Why::ConsentRefused,
        AssessReason::Failed => Why::LegFailed,
        AssessReason::Reopened => Why::Reopened,
    };
    let (code, role) = why.told(rules);
    Some((code.to_owned(), role))
}

/// The day promises are counted from: that of receipt, or today if the claim was judged before.
pub fn promised_from(rules: &Triage, ask: &Ask, now: Timestamp) -> Date {
    let received_on = ask.received_on(&rules.time_zone);
    if ask.reason == AssessReason::New {
        return received_on;
    }
    received_on.max(rules.time_zone.to_datetime(now).date())
}

fn says(pack: &Pack, ask: &Ask, line: &Line, order: Option<&Order>, judged: &Judged<'_>, now: Timestamp) -> Says {
    let rules = &pack.triage;
    let refuse = |reason| Says::Refuse(reason, plan::rejected(pack, line, judged.liability, reason));
    let ours = order.filter(|order| order.unit_price.currency == pack.currency);
    let make = |eligibility| {
        let resolution = plan::choose(judged.rule, line.wish, eligibility)?;
        if plan::gives(resolution) && ours.is_none() {
            return None;
        }
        Some(plan::line(pack, line, &making(ask, line, ours, resolution, judged, promised_from(rules, ask, now))))
    };
    if judged.rule.kind == Kind::Judgement {
        let unclear = judged.category == Category::Other;
        let why = if unclear { Why::CategoryUnclear } else { Why::JudgementNeeded };
        return Says::AskPerson(why, make(Eligibility::Inside));
    }
    if rules.non_goods.contains(&line.sku) {
        return refuse(NOT_GOODS);
    }
    // Advice needs no purchase and is never too late.
    let wanted = plan::choose(judged.rule, line.wish, Eligibility::Inside);
    if let Some(advice) = make(Eligibility::Inside).filter(|_| wanted.is_some_and(|wanted| !plan::gives(wanted))) {
        return Says::Do(advice);
    }
    let Some(order) = order else {
        return match (ask.was_asked(line), ask.unknown.contains(&line.line)) {
            (false, _) => Says::AskCustomer,
            (true, true) => refuse(ORDER_NOT_FOUND),
            (true, false) => Says::AskPerson(Why::OrderNotFound, None),
        };
    };
    if ours.is_none() {
        return Says::AskPerson(Why::CurrencyUnknown, None);
    }
    let eligible = eligibility(rules, judged.rule.kind, order, ask.received_on(&rules.time_zone));
    let made = make(eligible);
    match (eligible, judged.rule.kind, made) {
        (Eligibility::Outside, Kind::ChangeOfMind, _) => refuse(OUTSIDE_WINDOW),
        (Eligibility::Outside, _, made) => Says::AskPerson(Why::OutsideWindow, made),
        (_, _, None) => Says::AskPerson(Why::OutsideWindow, None),
        (_, _, Some(made)) if worth(pack, line, Some(order)).is_some_and(|worth| worth >= rules.value_high) => {
            Says::AskPerson(Why::ValueHigh, Some(made))
        }
        (_, _, Some(made)) if order.customer_ref.is_empty() && made.resolution() != Resolution::ReturnRefund => {
            Says::AskPerson(Why::AnonymousOrder, Some(made))
        }
        (_, _, Some(made)) => Says::Do(made),
    }
}

/// The units are at most what was sold (a claim for more is cut to it).
fn making<'o>(
    ask: &Ask,
    line: &Line,
    order: Option<&'o Order>,
    resolution: Resolution,
    judged: &Judged<'_>,
    from: Date,
) -> Making<'o> {
    Making {
        resolution,
        quantity: order.map_or(line.quantity, |order| line.quantity.min(order.quantity)),
        order_no: order.map_or("", |order| &order.order_no),
        sold_quantity: order.map_or(0, |order| order.quantity),
        unit_price: order.map_or(0, |order| order.unit_price.minor_units),
        liability: judged.liability,
        channel: ask.message.channel(),
        collectable: judged.rule.collect,
        batch_rule: judged.rule.batch_rule(),
        return_reason: judged.rule.return_reason(judged.category, judged.liability),
        from,
    }
}

fn proposal(says: Vec<Says>) -> Vec<LinePlan> {
    let plan = |says| match says {
        Says::Do(plan) | Says::Refuse(_, plan) | Says::AskPerson(_, Some(plan)) => Some(plan),
        Says::AskPerson(_, None) | Says::AskCustomer => None,
    };
    says.into_iter().filter_map(plan).collect()
}

/// The worst line decides: a question, then a person, then refusal of all, else a plan.
fn combine(pack: &Pack, ask: &Ask, says: Vec<Says>, severity: Severity) -> Outcome {
    let rules = &pack.triage;
    let asked: Vec<u32> = ask
        .lines
        .iter()
        .zip(&says)
        .filter_map(|(line, says)| matches!(says, Says::AskCustomer).then_some(line.line))
        .collect();
    if let Some(first) = asked.first() {
        let line = if asked.len() == 1 { *first } else { 0 };
        return Outcome::Question { reason: ORDER_NUMBER_NEEDED.to_owned(), line };
    }
    let unsure = says.iter().find_map(|says| match says {
        Says::AskPerson(why, _) => Some(*why),
        Says::Do(_) | Says::Refuse(..) | Says::AskCustomer => None,
    });
    let refused = says.iter().find_map(|says| match says {
        Says::Refuse(reason, _) => Some(*reason),
        Says::Do(_) | Says::AskPerson(..) | Says::AskCustomer => None,
    });
    let all_refused = says.iter().all(|says| matches!(says, Says::Refuse(..)));
    let lines = proposal(says);
    let too_much = plan::total(&lines) >= rules.value_high;
    if let Some(why) = unsure.or(too_much.then_some(Why::ValueHigh)) {
        let (reason, role) = why.told(rules);
        return Outcome::Person { reason: reason.to_owned(), role, proposal: lines };
    }
    if let Some(reason) = refused.filter(|_| all_refused) {
        return Outcome::Refused(reason.to_owned());
    }
    let automatic = plan::automatic(rules, severity, &lines);
    let consented = plan::consented(rules, ask, &lines, true);
    Outcome::Plan(Plan { automatic, consented, ..plan::whole(pack, ask, lines, RULES) })
}
