//! Rules of triage: what a report means, what it is worth, what is done for it, and what needs a person.
//!
//! Amounts are minor units of the pack's currency, shares and scores are per mille.

mod check;
mod rates;
mod terms;
mod word;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::claim::{
    BatchRule, Category, Channel, Department, LiabilityParty, Resolution, ReturnReason, Role, Severity,
};

pub use rates::{Rate, Rates};
pub use terms::{ArticleTerms, Calendars, CategoryTerms, EarlierTerms, EndsOn, Length, Start, Term, Terms, Windows};
pub use word::Word;

/// Section `[triage]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triage {
    /// Where days begin and end: windows and promises count days.
    #[serde(deserialize_with = "word::zone")]
    pub time_zone: TimeZone,
    /// SKUs of order lines that are no goods, as postage (exact spelling).
    pub non_goods: BTreeSet<String>,
    /// What was paid for the delivery of an order.
    pub delivery_fee: DeliveryFee,
    /// Lines and claims worth more are judged by a person.
    pub value_high: i64,
    /// Faulty goods worth less are not collected when they are replaced.
    pub collect_from: i64,
    /// What other currencies are worth in the pack's. Orders in one that has no rate are decided by a person.
    #[serde(default)]
    pub rates: Rates,
    /// How bad it is (S0-16, S0-17).
    pub severity: SeverityRules,
    /// What is done first (S0-32).
    pub priority: PriorityRules,
    /// Category of a line that has none, by what the customer hopes for.
    pub category_by_wish: CategoryByWish,
    /// One rule for each category (S0-18..26).
    pub categories: BTreeMap<Word<Category>, CategoryRule>,
    /// Until when a line may be claimed (S1-28, S1-29).
    pub windows: Windows,
    /// How long faults are made good by replacement, after the window for refunds (S4-12).
    pub warranty: Term,
    /// Terms of single articles, by SKU.
    #[serde(default)]
    pub articles: BTreeMap<String, ArticleTerms>,
    /// Terms of goods that were bought before those above were in force, the oldest first.
    #[serde(default)]
    pub earlier_terms: Vec<EarlierTerms>,
    /// Longest time that goods are on their way, in days. Where nobody knows when they were delivered, a claim that only
    /// such a delay would make timely goes to a person.
    pub delivery_days_max: u32,
    /// Estimated freight of one line, each direction.
    pub freight: Freight,
    /// Days after which a resolution is promised (S0-51).
    pub promised_days: PromisedDays,
    /// When the customer is not asked for consent.
    pub consent: Consent,
    /// What needs nobody's approval (S0-49).
    pub authority: Authority,
    /// What waits for people.
    pub work_items: WorkItems,
}

/// What was paid for the delivery of an order, and when it is given back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFee {
    /// SKUs that are fees where the order facts do not say so (exact spelling).
    pub skus: BTreeSet<String>,
    /// When all goods of the order come back inside their window, or are paid back.
    pub whole_order: WholeOrder,
    /// When they do not.
    pub otherwise: Otherwise,
}

/// What becomes of the fee when all goods of the order come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WholeOrder {
    /// It is paid back, when all that was announced has come.
    Refund,
    /// It is as when a part comes back.
    Keep,
}

/// What becomes of the fee when a part of the order comes back, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It is refused.
    Refuse,
    /// A person decides.
    Person,
}

/// How bad it is: the greatest that effect, value or risk gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityRules {
    /// The customer's operation stands still.
    pub operation_stopped: Word<Severity>,
    /// A safety hazard is suspected.
    pub safety_risk: Word<Severity>,
    /// Units of one quality line from which the whole batch is suspected.
    pub batch_wide_units: u32,
    /// The whole batch is suspected.
    pub batch_wide: Word<Severity>,
    /// Value of the line; each band reaches to the next one.
    pub value: Vec<ValueBand>,
}

/// A band of values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueBand {
    /// Least value in the band.
    pub from: i64,
    /// Severity it gives.
    pub severity: Word<Severity>,
}

/// Priority: weighted mean of three scores, each 0 to 1000.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityRules {
    /// The weights; together 1000.
    pub weights: Weights,
    /// Score of each severity.
    pub severity: PerSeverity<u32>,
    /// Urgency when the customer's operation stands still; otherwise the category's.
    pub operation_stopped: u32,
    /// Score of the customer's importance 0, 1, 2, 3.
    pub importance: [u32; 4],
}

/// Weights of the three scores.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Of severity.
    pub severity: u32,
    /// Of urgency.
    pub urgency: u32,
    /// Of importance.
    pub importance: u32,
}

/// One value for each severity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerSeverity<V> {
    /// Minor.
    pub minor: V,
    /// General.
    pub general: V,
    /// Serious.
    pub serious: V,
    /// Urgent.
    pub urgent: V,
}

impl<V> PerSeverity<V> {
    /// The value of a severity; one that is not judged yet counts as minor.
    pub fn of(&self, severity: Severity) -> &V {
        match severity {
            Severity::Unspecified | Severity::Minor => &self.minor,
            Severity::General => &self.general,
            Severity::Serious => &self.serious,
            Severity::Urgent => &self.urgent,
        }
    }

    fn rising(&self) -> [&V; 4] {
        [&self.minor, &self.general, &self.serious, &self.urgent]
    }
}

/// Category of a line that has none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryByWish {
    /// The same goods again.
    pub replace: Word<Category>,
    /// Goods that never arrived.
    pub resend: Word<Category>,
    /// Goods back, money back.
    pub return_refund: Word<Category>,
    /// Money back, goods stay.
    pub refund_only: Word<Category>,
    /// Advice.
    pub technical_support: Word<Category>,
    /// No wish.
    pub none: Word<Category>,
}

impl CategoryByWish {
    /// The category of a wish.
    pub fn of(&self, wish: Resolution) -> Category {
        let word = match wish {
            Resolution::Replace => self.replace,
            Resolution::Resend => self.resend,
            Resolution::ReturnRefund => self.return_refund,
            Resolution::RefundOnly => self.refund_only,
            Resolution::TechnicalSupport => self.technical_support,
            Resolution::Unspecified | Resolution::Reject => self.none,
        };
        word.0
    }
}

/// The rule of one category.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryRule {
    /// What kind of claim it is: decides window and warranty.
    pub kind: Kind,
    /// Department that is responsible (S0-35).
    pub department: Word<Department>,
    /// Preliminary liability (S0-27..30).
    pub liability: Word<LiabilityParty>,
    /// Urgency, 0 to 1000.
    pub urgency: u32,
    /// Candidate resolutions.
    pub resolutions: Vec<Word<Resolution>>,
    /// The candidate without a wish, or with one that is none.
    pub default: Word<Resolution>,
    /// Whether the customer has goods that are worth collecting.
    pub collect: bool,
    /// Which batch goes out instead (domain rule 5); none: what the kind of claim says.
    #[serde(default)]
    pub batch: Option<Word<BatchRule>>,
    /// In place of the window of the kind.
    pub window: Option<Term>,
    /// In place of `warranty`.
    pub warranty: Option<Term>,
}

impl CategoryRule {
    /// Whether a resolution is a candidate.
    pub fn allows(&self, resolution: Resolution) -> bool {
        self.resolutions.iter().any(|candidate| candidate.0 == resolution)
    }

    /// Which batch goes out: never again the one that is said to be faulty, unless the pack wants it.
    pub fn batch_rule(&self) -> BatchRule {
        match (self.batch, self.kind) {
            (Some(rule), _) => rule.0,
            (None, Kind::Quality) => BatchRule::Other,
            (None, Kind::ChangeOfMind | Kind::Fulfilment | Kind::Advice | Kind::Judgement) => BatchRule::Any,
        }
    }

    /// Why goods of a category come back. What a person decided without a word of fault is taken as the customer's wish
    /// only if the customer is liable: goods are not sold again by mistake.
    pub fn return_reason(&self, category: Category, liability: LiabilityParty) -> ReturnReason {
        match (self.kind, category) {
            (_, Category::WrongItem) => ReturnReason::WrongItem,
            // Nothing is wrong with what came too late.
            (_, Category::LateDelivery) | (Kind::ChangeOfMind, _) => ReturnReason::ChangeOfMind,
            (Kind::Quality | Kind::Fulfilment, _) => ReturnReason::Faulty,
            (Kind::Advice | Kind::Judgement, _) if liability == LiabilityParty::CustomerChangeOfMind => {
                ReturnReason::ChangeOfMind
            }
            (Kind::Advice | Kind::Judgement, _) => ReturnReason::Faulty,
        }
    }
}

/// What kind of claim a category is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something is wrong with the goods: window `quality`, then warranty.
    Quality,
    /// Nothing is wrong with the goods: window `change_of_mind`.
    ChangeOfMind,
    /// Something went wrong on the way: window `fulfilment`.
    Fulfilment,
    /// Advice: needs no purchase, has no window.
    Advice,
    /// The rules never decide it.
    Judgement,
}

/// Estimated freight of one line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freight {
    /// To the customer.
    pub outbound: i64,
    /// From the customer.
    pub inbound: i64,
    /// Who bears it when the customer wants the goods no more.
    pub bearer: Bearers,
}

/// Who bears the freight of a change of mind, by the channel of the claim: every channel is named, none is forgotten.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bearers {
    /// Telephone hotline.
    pub phone: Bearer,
    /// E-mail.
    pub email: Bearer,
    /// Online customer-service chat.
    pub chat: Bearer,
    /// Form or message board of the company site.
    pub web: Bearer,
    /// An e-commerce platform.
    pub platform: Bearer,
    /// Another system.
    pub api: Bearer,
    /// The supervision mailbox or telephone.
    pub supervision: Bearer,
}

/// Who bears freight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The company.
    Company,
    /// The customer: told before consent, and kept from the refund.
    Customer,
}

impl Bearers {
    /// Who bears it for a claim of a channel; none: the channel was not told, as by releases before.
    pub fn on(&self, channel: Channel) -> Option<Bearer> {
        let bearer = match channel {
            Channel::Phone => self.phone,
            Channel::Email => self.email,
            Channel::Chat => self.chat,
            Channel::Web => self.web,
            Channel::Platform => self.platform,
            Channel::Api => self.api,
            Channel::Supervision => self.supervision,
            Channel::Unspecified => return None,
        };
        Some(bearer)
    }
}

/// Days after which a resolution is promised.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromisedDays {
    /// The same goods again.
    pub replace: u32,
    /// Goods that never arrived.
    pub resend: u32,
    /// Goods back, money back.
    pub return_refund: u32,
    /// Money back, goods stay.
    pub refund_only: u32,
    /// Advice.
    pub technical_support: u32,
}

impl PromisedDays {
    /// Days of a resolution; none for one that gives nothing.
    pub fn of(&self, resolution: Resolution) -> Option<u32> {
        match resolution {
            Resolution::Replace => Some(self.replace),
            Resolution::Resend => Some(self.resend),
            Resolution::ReturnRefund => Some(self.return_refund),
            Resolution::RefundOnly => Some(self.refund_only),
            Resolution::TechnicalSupport => Some(self.technical_support),
            Resolution::Unspecified | Resolution::Reject => None,
        }
    }
}

/// When the customer is not asked for consent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The customer's wish is taken as consent to that resolution.
    pub by_wish: bool,
    /// Resolutions that need no consent.
    pub not_needed: BTreeSet<Word<Resolution>>,
}

/// What needs nobody's approval.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Severities of which every plan is approved by a person.
    pub excluded: BTreeSet<Word<Severity>>,
    /// Greatest cost of a claim.
    pub claim_max: i64,
    /// Greatest cost of a line, by severity of the claim and resolution.
    pub line_max: BTreeMap<Word<Severity>, LineMax>,
    /// Greatest cost of a plan that a person with this role makes.
    pub person_max: BTreeMap<Word<Role>, i64>,
}

/// Greatest cost of a line by resolution.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineMax {
    /// The same goods again.
    pub replace: i64,
    /// Goods that never arrived.
    pub resend: i64,
    /// Goods back, money back.
    pub return_refund: i64,
    /// Money back, goods stay.
    pub refund_only: i64,
}

impl LineMax {
    /// Greatest cost of a resolution.
    pub fn of(&self, resolution: Resolution) -> i64 {
        match resolution {
            Resolution::Replace => self.replace,
            Resolution::Resend => self.resend,
            Resolution::ReturnRefund => self.return_refund,
            Resolution::RefundOnly => self.refund_only,
            Resolution::Unspecified | Resolution::TechnicalSupport | Resolution::Reject => 0,
        }
    }
}

/// What waits for people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkItems {
    /// Working hours until a work item is due, in the calendar of `[escalation]`.
    pub due_hours: PerSeverity<u32>,
    /// Whom it waits for, by reason.
    pub roles: WorkRoles,
}

/// Whom a work item waits for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkRoles {
    /// Worth more than `value_high`.
    pub value_high: Word<Role>,
    /// Outside window and warranty.
    pub outside_window: Word<Role>,
    /// The category says nothing.
    pub category_unclear: Word<Role>,
    /// The category is never decided by rules.
    pub judgement_needed: Word<Role>,
    /// Inside or outside of the window, by a day of delivery that nobody knows.
    pub delivery_day_unknown: Word<Role>,
    /// The goods are not delivered yet.
    pub not_delivered_yet: Word<Role>,
    /// The customer was asked where to send or collect goods, and did not say.
    pub address_needed: Word<Role>,
    /// Sold in another currency than the pack's.
    pub currency_unknown: Word<Role>,
    /// Sold to nobody known, and something would be given before the goods are back.
    pub anonymous_order: Word<Role>,
    /// The customer named an order that is not known.
    pub order_not_found: Word<Role>,
    /// By the newest facts more is paid than by those that other claims were decided by.
    #[serde(default = "specialist")]
    pub facts_changed: Word<Role>,
    /// All units were given before; what was sent in their place may have failed.
    #[serde(default = "specialist")]
    pub already_replaced: Word<Role>,
    /// A part is missing that the order does not name.
    #[serde(default = "specialist")]
    pub part_of_a_set: Word<Role>,
    /// Another article is wanted instead.
    #[serde(default = "specialist")]
    pub exchange_for_another_article: Word<Role>,
    /// Money is wanted for something that is no fault of the goods.
    #[serde(default = "supervisor")]
    pub part_of_the_price: Word<Role>,
    /// The plan was denied.
    pub denied: Word<Role>,
    /// The customer refused the plan.
    pub consent_refused: Word<Role>,
    /// The customer has not answered in time, and the policy lets a person decide.
    pub no_answer: Word<Role>,
    /// The plan could not be carried out.
    pub leg_failed: Word<Role>,
    /// The customer is dissatisfied.
    pub reopened: Word<Role>,
}

fn specialist() -> Word<Role> {
    Word(Role::Specialist)
}

fn supervisor() -> Word<Role> {
    Word(Role::Supervisor)
}
