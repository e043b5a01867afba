//! What the rules say: plan, refusal, a person, or a question. The worst line decides.

use jiff::Timestamp;
use jiff::civil::Date;
use proto::claim::{Assessment, Category, LinePlan, Plan, Resolution, Role, Severity};
use proto::policy::Pack;
use proto::policy::triage::{Kind, Triage};
use proto::triage::AssessReason;

use super::ask::{Ask, Line};
use super::eligibility::{Eligibility, at_best, eligibility};
use super::fee;
use super::judge::{self, Judged};
use super::orders::{Order, Orders};
use super::plan::{self, Goods, Making};
use super::takes::{Stock, Taken};

/// Who judges, when it is the rules.
pub const RULES: &str = "rules";
/// The customer is asked for the order number.
pub const ORDER_NUMBER_NEEDED: &str = "ORDER_NUMBER_NEEDED";
/// The customer is asked where goods are to be sent or collected.
pub const ADDRESS_NEEDED: &str = "ADDRESS_NEEDED";
/// The customer is asked for the order number, since the one that was given is not known.
pub const ORDER_NUMBER_UNKNOWN: &str = "ORDER_NUMBER_UNKNOWN";
/// The line is about something that is no goods.
pub const NOT_GOODS: &str = "NOT_GOODS";
/// The line is about a purchase that is not known.
pub const ORDER_NOT_FOUND: &str = "ORDER_NOT_FOUND";
/// The line came too late.
pub const OUTSIDE_WINDOW: &str = "OUTSIDE_WINDOW";
/// All units were refunded or replaced, or are promised to other claims.
pub const ALREADY_COMPENSATED: &str = "ALREADY_COMPENSATED";

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
    /// Nobody knows when the goods were delivered, and it would change the answer.
    DeliveryDayUnknown,
    /// The goods are not delivered yet: cancelling is another thing than returning.
    NotDeliveredYet,
    /// The customer was asked where goods are to be sent or collected, and did not say.
    AddressNeeded,
    /// Sold in another currency than the pack's.
    CurrencyUnknown,
    /// Sold to nobody known, and something would be given before the goods are back: any finder of the number could ask.
    AnonymousOrder,
    /// The customer named an order that is not known.
    OrderNotFound,
    /// By the newest facts more is paid than by those that other claims were decided by.
    FactsChanged,
    /// All units were given before; what was sent in their place may have failed.
    AlreadyReplaced,
    /// A part is missing that the order does not name: it may be one of a set.
    PartOfASet,
    /// Another article is wanted instead, and no line says which.
    ExchangeForAnother,
    /// Money is wanted without the goods, for something that is no fault of them.
    PartOfThePrice,
    /// A part of the order comes back, or nothing: whether what was paid for its delivery does is a choice.
    DeliveryFee,
    /// The plan was denied.
    Denied,
    /// The customer refused the plan.
    ConsentRefused,
    /// The customer has not answered in time.
    NoAnswer,
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
            Self::DeliveryDayUnknown => ("DELIVERY_DAY_UNKNOWN", roles.delivery_day_unknown),
            Self::NotDeliveredYet => ("NOT_DELIVERED_YET", roles.not_delivered_yet),
            Self::AddressNeeded => (ADDRESS_NEEDED, roles.address_needed),
            Self::CurrencyUnknown => ("CURRENCY_UNKNOWN", roles.currency_unknown),
            Self::AnonymousOrder => ("ANONYMOUS_ORDER", roles.anonymous_order),
            Self::OrderNotFound => (ORDER_NOT_FOUND, roles.order_not_found),
            Self::FactsChanged => ("FACTS_CHANGED", roles.facts_changed),
            Self::AlreadyReplaced => ("ALREADY_REPLACED", roles.already_replaced),
            Self::PartOfASet => ("PART_OF_A_SET", roles.part_of_a_set),
            Self::ExchangeForAnother => ("EXCHANGE_FOR_ANOTHER_ARTICLE", roles.exchange_for_another_article),
            Self::PartOfThePrice => ("PART_OF_THE_PRICE", roles.part_of_the_price),
            Self::DeliveryFee => ("DELIVERY_FEE", roles.judgement_needed),
            Self::Denied => ("DENIED", roles.denied),
            Self::ConsentRefused => ("CONSENT_REFUSED", roles.consent_refused),
            Self::NoAnswer => ("NO_ANSWER", roles.no_answer),
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

/// What follows from a judgement: one of these, always.
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
    /// The customer is asked for the address that a person's plan needs; the plan is kept.
    AddressFor(Plan),
}

/// What the rules say of one line.
pub(super) enum Says {
    Do(LinePlan),
    Refuse(&'static str, LinePlan),
    AskPerson(Why, Option<LinePlan>),
    AskCustomer(&'static str),
}

/// Rules on a claim. `person`: the person with this role and reason had asked the customer, and gets it back.
pub fn rule(pack: &Pack, ask: &Ask, orders: &Orders, person: Option<(String, Role)>, now: Timestamp) -> Ruling {
    let rules = &pack.triage;
    let claimed_on = ask.claimed_on(&rules.time_zone);
    let mut stock = Stock::free(ask);
    let (mut looks, mut says) = (Vec::new(), Vec::new());
    for line in &ask.lines {
        let found = orders.of(ask, line, claimed_on);
        let taken = take(pack, ask, &stock, line, &found, now);
        // All of it was given: what was sent in its place may have failed.
        let replaced = (taken.parts.is_empty() && stock.was_replaced(&found)).then(|| stock.with_replaced());
        let failed =
            replaced.map(|stock| stock.take(&found, line.quantity, |_| Eligibility::Inside)).unwrap_or_default();
        let judged = judge::line(rules, line, worth(pack, &taken), ask.message.by_staff);
        let is_known = orders.knows_order(ask, line);
        let look = Look { line, is_known, found, taken, failed, judged };
        // Fees follow the goods, which may be named after them.
        let said = (!fee::is_claimed(rules, line, &look.found)).then(|| look.says(pack, ask, &stock, now));
        if said.as_ref().is_none_or(Says::gives) {
            stock.keep(&look.taken);
            stock.keep(&look.failed);
        }
        says.push(said);
        looks.push(look);
    }
    let goods = || looks.iter().zip(&says).filter_map(|(look, said)| Some((look, said.as_ref()?)));
    let fees = looks.iter().enumerate().filter(|(at, _)| says[*at].is_none());
    let fees: Vec<_> = fees.map(|(at, look)| (at, fee::says(look, goods(), orders, pack, ask, now))).collect();
    for (at, said) in fees {
        says[at] = Some(said);
    }
    let says: Vec<_> = says.into_iter().flatten().collect();
    let all: Vec<_> = looks.into_iter().map(|look| look.judged).collect();
    let assessment = judge::claim(rules, ask, &all, None, RULES, now);
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

/// What a line takes: of goods that the customer has, if there are any. Where what came too late is refused, purchases
/// inside the window are used alone.
fn take<'o>(pack: &Pack, ask: &Ask, stock: &Stock<'_>, line: &Line, found: &[&'o Order], now: Timestamp) -> Taken<'o> {
    let (category, rule) = judge::category(&pack.triage, line);
    let claimed_on = ask.claimed_on(&pack.triage.time_zone);
    let eligible = |order: &Order| eligibility(pack, category, order, claimed_on);
    let today = today(&pack.triage, ask, now);
    let left: Vec<_> = found.iter().copied().filter(|order| stock.of(order) > 0).collect();
    let only = |fits: &dyn Fn(&Order) -> bool, orders: Vec<&'o Order>| {
        let fitting: Vec<_> = orders.iter().copied().filter(|order| fits(order)).collect();
        if fitting.is_empty() { orders } else { fitting }
    };
    let mut orders = only(&|order| order.delivered_on.is_none_or(|day| day <= today), left);
    if rule.kind == Kind::ChangeOfMind {
        orders = only(&|order| eligible(order) == Eligibility::Inside, orders);
    }
    stock.take(&orders, line.quantity, eligible)
}

/// The day it is, or that of receipt where that is later.
fn today(rules: &Triage, ask: &Ask, now: Timestamp) -> Date {
    ask.received_on(&rules.time_zone).max(rules.time_zone.to_datetime(now).date())
}

/// A person goes on where questions to the customer lead nowhere.
pub fn unanswered(rules: &Triage) -> Outcome {
    let (reason, role) = Why::OrderNotFound.told(rules);
    Outcome::Person { reason: reason.to_owned(), role, proposal: Vec::new() }
}

/// A plan that does not fit into a message: somebody says so to the customer, who can report it in parts.
pub fn too_large(rules: &Triage) -> Outcome {
    let (_, role) = Why::JudgementNeeded.told(rules);
    Outcome::Person { reason: "CLAIM_TOO_LARGE".to_owned(), role, proposal: Vec::new() }
}

/// Value of the units concerned, if their purchase is known and the pack has a rate for it.
fn worth(pack: &Pack, taken: &Taken<'_>) -> Option<i64> {
    (!taken.parts.is_empty()).then(|| taken.value(pack)).flatten()
}

/// Reasons that no rule decides: what the rules made was not good enough.
fn always_person(rules: &Triage, reason: AssessReason) -> Option<(String, Role)> {
    let why = match reason {
        AssessReason::Unspecified | AssessReason::New | AssessReason::Answered | AssessReason::Basis => return None,
        AssessReason::Denied => Why::Denied,
        AssessReason::ConsentRefused => Why::ConsentRefused,
        AssessReason::NoAnswer => Why::NoAnswer,
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

/// A line of the claim, and what is known of it.
pub(super) struct Look<'a> {
    line: &'a Line,
    /// The order that the customer named is known, whatever was bought by it.
    is_known: bool,
    /// The order lines that it may be about.
    found: Vec<&'a Order>,
    /// What it takes from them.
    pub(super) taken: Taken<'a>,
    /// What it would take, if what was sent in place of other units has failed: when nothing else is left.
    failed: Taken<'a>,
    judged: Judged<'a>,
}

impl Look<'_> {
    fn says(&self, pack: &Pack, ask: &Ask, stock: &Stock<'_>, now: Timestamp) -> Says {
        let Self { line, judged, taken, .. } = self;
        let rules = &pack.triage;
        let kind = judged.rule.kind;
        let make = |taken: &Taken<'_>, eligibility| self.make(pack, ask, taken, eligibility, now);
        if kind == Kind::Judgement {
            return Says::AskPerson(self.why_judged(), make(taken, Eligibility::Inside));
        }
        if rules.non_goods.contains(&line.sku) {
            return self.refuse(pack, NOT_GOODS);
        }
        // Advice needs no purchase and is never too late.
        let wanted = plan::choose(judged.rule, line.wish, Eligibility::Inside);
        if let Some(advice) =
            wanted.filter(|wanted| !plan::gives(*wanted)).and_then(|_| make(taken, Eligibility::Inside))
        {
            return Says::Do(advice);
        }
        // Whoever guesses the number of an order that was sold to nobody known hears what everybody hears who guesses.
        if self.found.is_empty() || self.is_guessed(ask) {
            return self.not_found(pack, ask);
        }
        let Some(eligible) = taken.eligible else {
            return match make(&self.failed, Eligibility::Inside) {
                Some(made) if !self.failed.parts.is_empty() => Says::AskPerson(Why::AlreadyReplaced, Some(made)),
                _ => self.refuse(pack, ALREADY_COMPENSATED),
            };
        };
        let made = make(taken, eligible);
        let value = worth(pack, taken);
        if value.is_some() && taken.is_on_its_way(today(rules, ask, now)) {
            return Says::AskPerson(Why::NotDeliveredYet, make(taken, Eligibility::Inside));
        }
        let answer = |eligible| (eligible == Eligibility::Outside, plan::choose(judged.rule, line.wish, eligible));
        if let Some(best) = self.at_best(pack, ask).filter(|best| value.is_some() && answer(*best) != answer(eligible))
        {
            return Says::AskPerson(Why::DeliveryDayUnknown, make(taken, best));
        }
        let why = match (eligible, kind) {
            _ if value.is_none() => Some(Why::CurrencyUnknown),
            (Eligibility::Outside, Kind::ChangeOfMind) => return self.refuse(pack, OUTSIDE_WINDOW),
            (Eligibility::Outside, _) => Some(Why::OutsideWindow),
            _ if made.is_none() => Some(Why::OutsideWindow),
            _ if stock.is_raised(taken) => Some(Why::FactsChanged),
            _ if self.is_exchange() => Some(Why::ExchangeForAnother),
            _ if value.is_some_and(|value| value >= rules.value_high) => Some(Why::ValueHigh),
            _ if taken.is_anonymous()
                && made.as_ref().is_some_and(|made| made.resolution() != Resolution::ReturnRefund) =>
            {
                Some(Why::AnonymousOrder)
            }
            _ => None,
        };
        match (why, made) {
            (Some(why), made) => Says::AskPerson(why, made),
            (None, Some(made)) => Says::Do(made),
            (None, None) => Says::AskPerson(Why::OutsideWindow, None),
        }
    }

    /// How the purchases lie at best, where a day of delivery is not recorded.
    fn at_best(&self, pack: &Pack, ask: &Ask) -> Option<Eligibility> {
        let (category, claimed_on) = (self.judged.category, ask.claimed_on(&pack.triage.time_zone));
        let orders = || self.taken.parts.iter().map(|(order, _)| *order);
        if orders().all(|order| order.delivered_on.is_some()) {
            return None;
        }
        let best = |order| at_best(pack, category, self.line, order, claimed_on);
        orders().map(|order| best(order).unwrap_or_else(|| eligibility(pack, category, order, claimed_on))).max()
    }

    /// Nothing was found that the line is about: the customer is asked once.
    fn not_found(&self, pack: &Pack, ask: &Ask) -> Says {
        if self.line.may_be_a_part() && self.is_known {
            return Says::AskPerson(Why::PartOfASet, None);
        }
        match (ask.was_asked(self.line), ask.unknown.contains(&self.line.line)) {
            (false, _) if self.line.order_no.is_empty() => Says::AskCustomer(ORDER_NUMBER_NEEDED),
            (false, _) => Says::AskCustomer(ORDER_NUMBER_UNKNOWN),
            (true, true) => self.refuse(pack, ORDER_NOT_FOUND),
            (true, false) if self.found.is_empty() => Says::AskPerson(Why::OrderNotFound, None),
            (true, false) => Says::AskPerson(Why::AnonymousOrder, None),
        }
    }

    /// Something of it was sold to nobody known, and nobody of ours has seen a receipt.
    fn is_guessed(&self, ask: &Ask) -> bool {
        !ask.message.by_staff && self.found.iter().any(|order| order.customer_ref.is_empty())
    }

    fn why_judged(&self) -> Why {
        match (self.judged.category, self.line.wish) {
            (Category::Other, _) => Why::CategoryUnclear,
            (Category::ServiceComplaint, Resolution::RefundOnly) => Why::PartOfThePrice,
            _ => Why::JudgementNeeded,
        }
    }

    /// Who exchanges wants something else; the same article again helps nobody.
    fn is_exchange(&self) -> bool {
        self.judged.category == Category::ExchangeRequest && self.line.wish == Resolution::Replace
    }

    /// What would be done; none without a candidate, or if something would be given and no purchase is known.
    fn make(
        &self,
        pack: &Pack,
        ask: &Ask,
        taken: &Taken<'_>,
        eligibility: Eligibility,
        now: Timestamp,
    ) -> Option<LinePlan> {
        let resolution = plan::choose(self.judged.rule, self.line.wish, eligibility)?;
        if plan::gives(resolution) && taken.parts.is_empty() {
            return None;
        }
        Some(self.make_as(resolution, pack, ask, taken, now))
    }

    /// The same with a resolution that is not chosen here.
    pub(super) fn make_as(
        &self,
        resolution: Resolution,
        pack: &Pack,
        ask: &Ask,
        taken: &Taken<'_>,
        now: Timestamp,
    ) -> LinePlan {
        let making = Making {
            resolution,
            liability: self.judged.liability,
            channel: ask.message.channel(),
            collectable: self.judged.rule.collect,
            batch_rule: self.judged.rule.batch_rule(),
            return_reason: self.judged.rule.return_reason(self.judged.category, self.judged.liability),
            from: promised_from(&pack.triage, ask, now),
        };
        plan::line(pack, self.line, Goods::bought(pack, self.line, taken), &making)
    }

    pub(super) fn refuse(&self, pack: &Pack, reason: &'static str) -> Says {
        Says::Refuse(reason, plan::rejected(pack, self.line, self.judged.liability, reason))
    }
}

impl Says {
    /// Whether it takes units, or would if a person says so.
    fn gives(&self) -> bool {
        match self {
            Self::Do(plan) | Self::AskPerson(_, Some(plan)) => plan::gives(plan.resolution()),
            Self::Refuse(..) | Self::AskPerson(_, None) | Self::AskCustomer(_) => false,
        }
    }
}

fn proposal(says: Vec<Says>) -> Vec<LinePlan> {
    let plan = |says| match says {
        Says::Do(plan) | Says::Refuse(_, plan) | Says::AskPerson(_, Some(plan)) => Some(plan),
        Says::AskPerson(_, None) | Says::AskCustomer(_) => None,
    };
    says.into_iter().filter_map(plan).collect()
}

/// The worst line decides: a question, then a person, then refusal of all, else a plan.
fn combine(pack: &Pack, ask: &Ask, says: Vec<Says>, severity: Severity) -> Outcome {
    let rules = &pack.triage;
    let question = |(line, says): (&Line, &Says)| match says {
        Says::AskCustomer(reason) => Some((line.line, *reason)),
        Says::Do(_) | Says::Refuse(..) | Says::AskPerson(..) => None,
    };
    let asked: Vec<_> = ask.lines.iter().zip(&says).filter_map(question).collect();
    if let [(first, reason), others @ ..] = &asked[..] {
        let line = if others.is_empty() { *first } else { 0 };
        let same = others.iter().all(|(_, other)| other == reason);
        let reason = if same { reason } else { ORDER_NUMBER_NEEDED };
        return Outcome::Question { reason: reason.to_owned(), line };
    }
    let unsure = says.iter().find_map(|says| match says {
        Says::AskPerson(why, _) => Some(*why),
        Says::Do(_) | Says::Refuse(..) | Says::AskCustomer(_) => None,
    });
    let refused = says.iter().find_map(|says| match says {
        Says::Refuse(reason, _) => Some(*reason),
        Says::Do(_) | Says::AskPerson(..) | Says::AskCustomer(_) => None,
    });
    let all_refused = says.iter().all(|says| matches!(says, Says::Refuse(..)));
    let lines = proposal(says);
    let too_much = plan::total(&lines).is_some_and(|total| total >= rules.value_high);
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
