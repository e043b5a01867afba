//! What is done for a line, what it costs, when it is promised; whether the whole needs approval or consent.

use jiff::ToSpan;
use jiff::civil::Date;
use proto::claim::{
    BatchRule, Channel, LiabilityParty, LinePlan, Money, Plan, Resolution, ReturnReason, Severity, Take,
};
use proto::legs;
use proto::policy::Pack;
use proto::policy::triage::{Bearer, CategoryRule, Triage, Word};

use super::ask::{Ask, Line};
use super::eligibility::Eligibility;
use super::takes::Taken;

/// Greatest amount of the contract, in minor units.
pub const MONEY_MAX: i64 = 10_000_000_000_000;
/// Reason of a line whose units were cut to what was sold.
pub const QUANTITY_REDUCED: &str = "QUANTITY_REDUCED";

/// The goods that a line plan is about.
#[derive(Clone, Debug)]
pub struct Goods {
    /// Stock-keeping unit as sold.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// Order lines that they are taken from.
    pub takes: Vec<Take>,
    /// Price per unit, order currency.
    pub unit_price: Money,
    /// The most that they may be worth, order currency.
    pub amount: Money,
    /// The same in the currency of the pack; none: it has no rate.
    pub value: Option<i64>,
}

impl Goods {
    /// Goods of known purchases; of none they are as reported, and worth nothing.
    pub fn bought(pack: &Pack, line: &Line, taken: &Taken<'_>) -> Self {
        let Some((first, _)) = taken.parts.first() else {
            return Self {
                sku: line.sku.clone(),
                quantity: line.quantity,
                takes: Vec::new(),
                unit_price: money(pack, 0),
                amount: money(pack, 0),
                value: Some(0),
            };
        };
        let of_order = |minor_units| Money { minor_units, currency: first.paid.currency.clone() };
        Self {
            sku: first.sku.clone(),
            quantity: taken.units(),
            takes: taken.wire(),
            unit_price: of_order(first.unit_price()),
            amount: of_order(taken.most().min(MONEY_MAX)),
            value: taken.value(pack),
        }
    }

    /// Goods whose purchase is not known, at a price that somebody gives. They are an order line of the claim's own.
    ///
    /// What is looked at by those who allow it is at least what the article was sold for: `highest`, per unit.
    pub fn priced(
        pack: &Pack,
        ask: &Ask,
        line: &Line,
        quantity: u32,
        price: &Money,
        on: Date,
        highest: Option<i64>,
    ) -> Self {
        let known = highest.map_or(0, |highest| value(highest, quantity).min(MONEY_MAX));
        let of = |units| Money { minor_units: value(price.minor_units, units).min(MONEY_MAX), ..price.clone() };
        let take = Take {
            order_no: format!("claim:{}/{}", ask.claim, line.line),
            sku: line.sku.clone(),
            line_id: String::new(),
            version: 0,
            sold_quantity: line.quantity,
            paid_total: Some(of(line.quantity)),
            quantity,
            amount: Some(of(quantity)),
            tax_total: None,
        };
        Self {
            sku: line.sku.clone(),
            quantity,
            takes: vec![take],
            unit_price: price.clone(),
            amount: of(quantity),
            value: in_pack(pack, &of(quantity), on).map(|value| value.max(known)),
        }
    }
}

/// What a line plan is made of, besides line and goods.
#[derive(Clone, Debug)]
pub struct Making {
    /// What is done.
    pub resolution: Resolution,
    /// Who is liable.
    pub liability: LiabilityParty,
    /// How the claim came in.
    pub channel: Channel,
    /// Whether the customer has goods that are worth collecting.
    pub collectable: bool,
    /// Which batch goes out instead.
    pub batch_rule: BatchRule,
    /// Why goods come back.
    pub return_reason: ReturnReason,
    /// The day promises are counted from.
    pub from: Date,
}

/// An amount in the currency of the pack, by the rate of a day; none: the pack has none.
pub fn in_pack(pack: &Pack, amount: &Money, on: Date) -> Option<i64> {
    pack.triage.rates.convert(amount, &pack.currency, on)
}

/// Whether a resolution gives goods or money, so that a purchase is needed.
pub fn gives(resolution: Resolution) -> bool {
    match resolution {
        Resolution::Replace | Resolution::Resend | Resolution::ReturnRefund | Resolution::RefundOnly => true,
        Resolution::Unspecified | Resolution::TechnicalSupport | Resolution::Reject => false,
    }
}

/// Whether a resolution pays money back.
pub fn refunds(resolution: Resolution) -> bool {
    matches!(resolution, Resolution::ReturnRefund | Resolution::RefundOnly)
}

/// Whether a resolution sends goods.
fn sends(resolution: Resolution) -> bool {
    matches!(resolution, Resolution::Replace | Resolution::Resend)
}

/// Whether goods are sent or collected, so that an address is needed.
pub fn travels(line: &LinePlan) -> bool {
    line.collect || sends(line.resolution()) || line.resolution() == Resolution::ReturnRefund
}

/// The candidate: the customer's wish if it is one, else the category's default. Under warranty nothing is refunded;
/// if that leaves no candidate there is none.
pub fn choose(rule: &CategoryRule, wish: Resolution, eligibility: Eligibility) -> Option<Resolution> {
    let open = |resolution: &Resolution| {
        let refund = matches!(resolution, Resolution::ReturnRefund | Resolution::RefundOnly);
        rule.allows(*resolution) && !(refund && eligibility == Eligibility::Warranty)
    };
    let all = [wish, rule.default.0].into_iter().chain(rule.resolutions.iter().map(|candidate| candidate.0));
    all.into_iter().find(open)
}

/// The value of some units; too great for a number of ours counts as the greatest.
pub fn value(unit_price: i64, quantity: u32) -> i64 {
    i64::try_from(i128::from(unit_price) * i128::from(quantity)).unwrap_or(i64::MAX)
}

/// The plan of one line.
pub fn line(pack: &Pack, line: &Line, goods: Goods, making: &Making) -> LinePlan {
    let rules = &pack.triage;
    let gives = gives(making.resolution);
    let collect = match making.resolution {
        Resolution::ReturnRefund => true,
        Resolution::Replace => making.collectable && goods.value.is_none_or(|value| value >= rules.collect_from),
        Resolution::Resend
        | Resolution::RefundOnly
        | Resolution::TechnicalSupport
        | Resolution::Reject
        | Resolution::Unspecified => false,
    };
    let value = if gives { goods.value } else { Some(0) };
    let freight = freight(rules, making, collect, value);
    let cost = value.map(|value| value.saturating_add(freight.cost).min(MONEY_MAX));
    let kept = part(&goods.amount, freight.kept, value);
    let reduced = goods.quantity < line.quantity && gives;
    let visit = pack.logistics.visit_for(making.resolution, line.category);
    let plain = legs::of(making.resolution, collect);
    let legs = if visit.is_some() { legs::with_visit(plain) } else { plain.to_vec() };
    let first = goods.takes.first();
    let order_no = first.filter(|take| take.version > 0).map(|take| take.order_no.clone());
    LinePlan {
        line: line.line,
        resolution: making.resolution.into(),
        sku: goods.sku,
        batch: line.batch.clone(),
        quantity: goods.quantity,
        collect,
        order_no: order_no.unwrap_or_default(),
        sold_quantity: first.map_or(0, |take| take.sold_quantity),
        unit_price: Some(goods.unit_price),
        cost: cost.map(|cost| money(pack, cost)),
        freight_payer: freight.payer.into(),
        freight_kept: kept.filter(|kept| kept.minor_units > 0),
        promised_on: promised(rules, making.resolution, making.from),
        reason: if reduced { QUANTITY_REDUCED.to_owned() } else { String::new() },
        takes: if gives { goods.takes } else { Vec::new() },
        amount: gives.then_some(goods.amount),
        batch_rule: if sends(making.resolution) { making.batch_rule.into() } else { BatchRule::Unspecified.into() },
        return_reason: if collect { making.return_reason.into() } else { ReturnReason::Unspecified.into() },
        only_with: Vec::new(),
        legs: legs.into_iter().map(Into::into).collect(),
        visit: visit.map(|visit| visit.kind.clone()).unwrap_or_default(),
    }
}

/// A line that gets nothing.
pub fn rejected(pack: &Pack, line: &Line, liability: LiabilityParty, reason: &str) -> LinePlan {
    LinePlan {
        line: line.line,
        resolution: Resolution::Reject.into(),
        sku: line.sku.clone(),
        batch: line.batch.clone(),
        quantity: line.quantity,
        order_no: line.order_no.clone(),
        unit_price: Some(money(pack, 0)),
        cost: Some(money(pack, 0)),
        freight_payer: liability.into(),
        reason: reason.to_owned(),
        ..LinePlan::default()
    }
}

/// Freight of a line.
struct Freight {
    /// What the company pays in the end.
    cost: i64,
    /// What is kept of the customer's refund.
    kept: i64,
    /// Who pays.
    payer: LiabilityParty,
}

/// Freight follows liability (domain rule 7). A carrier's share is paid first and recovered later. That of a change of
/// mind is the policy's: where the customer bears it, it is kept from the refund, never more than that; of goods that are
/// exchanged, or whose value cannot be compared, nothing can be kept.
fn freight(rules: &Triage, making: &Making, collect: bool, goods: Option<i64>) -> Freight {
    let mut sum = 0;
    if sends(making.resolution) {
        sum += rules.freight.outbound;
    }
    if collect {
        sum += rules.freight.inbound;
    }
    let payer = making.liability;
    match payer {
        LiabilityParty::CustomerChangeOfMind => match rules.freight.bearer.on(making.channel) {
            Some(Bearer::Company) if sum > 0 => Freight { cost: sum, kept: 0, payer: LiabilityParty::CompanySales },
            Some(Bearer::Customer) => {
                let refund = goods.filter(|_| making.resolution == Resolution::ReturnRefund).unwrap_or(0);
                let kept = sum.min(refund);
                Freight { cost: sum - kept, kept, payer }
            }
            Some(Bearer::Company) | None => Freight { cost: 0, kept: 0, payer },
        },
        LiabilityParty::CustomerUse | LiabilityParty::CustomerStorage => Freight { cost: 0, kept: 0, payer },
        LiabilityParty::Unspecified
        | LiabilityParty::CompanyProduction
        | LiabilityParty::CompanyPackaging
        | LiabilityParty::CompanyLogistics
        | LiabilityParty::CompanySales
        | LiabilityParty::Carrier
        | LiabilityParty::Supplier
        | LiabilityParty::ThirdParty
        | LiabilityParty::Undetermined => Freight { cost: sum, kept: 0, payer },
    }
}

/// A part of an amount that is worth `value` in the pack's currency, rounded down to the customer's good.
fn part(amount: &Money, part: i64, value: Option<i64>) -> Option<Money> {
    let value = value.filter(|value| *value > 0)?;
    let minor_units = i128::from(amount.minor_units) * i128::from(part) / i128::from(value);
    Some(Money { minor_units: i64::try_from(minor_units).ok()?, ..amount.clone() })
}

/// The day on which a resolution is promised.
pub fn promised(rules: &Triage, resolution: Resolution, from: Date) -> String {
    let days = rules.promised_days.of(resolution);
    days.map(|days| from.saturating_add(i64::from(days).days()).to_string()).unwrap_or_default()
}

/// An amount in the pack's currency.
pub fn money(pack: &Pack, minor_units: i64) -> Money {
    Money { minor_units, currency: pack.currency.clone() }
}

/// Cost of a line plan in minor units of the pack's currency; none: it cannot be told.
pub fn cost(line: &LinePlan) -> Option<i64> {
    line.cost.as_ref().map(|cost| cost.minor_units)
}

/// Sum of the line costs: at most 100 lines of at most 10^13. None: one of them cannot be told.
pub fn total(lines: &[LinePlan]) -> Option<i64> {
    lines.iter().map(cost).sum()
}

/// The whole plan, not yet allowed by anybody.
pub fn whole(pack: &Pack, ask: &Ask, lines: Vec<LinePlan>, proposed_by: &str) -> Plan {
    Plan {
        number: ask.message.plan_number,
        cost: total(&lines).map(|total| money(pack, total)),
        lines,
        automatic: false,
        consented: false,
        proposed_by: proposed_by.to_owned(),
        policy: pack.label(),
        own_price: false,
        counted: None,
        beyond: String::new(),
    }
}

/// Whether a plan of the rules is inside the automatic authority (S0-49). What costs nothing needs nobody; what cannot be
/// compared needs somebody.
pub fn automatic(rules: &Triage, severity: Severity, lines: &[LinePlan]) -> bool {
    let authority = &rules.authority;
    let inside = |line: &LinePlan| {
        let max = authority.line_max.get(&Word(severity)).map(|max| max.of(line.resolution()));
        max.zip(cost(line)).is_some_and(|(max, cost)| cost <= max)
    };
    total(lines).is_some_and(|total| total == 0 || (total <= authority.claim_max && lines.iter().all(inside)))
}

/// Whether the customer is not asked: each line gets what was wished for, or what needs no consent. A wish counts no
/// more when the customer has refused a plan or was dissatisfied, and nobody wished for less than the whole refund.
pub fn consented(rules: &Triage, ask: &Ask, lines: &[LinePlan], wish_counts: bool) -> bool {
    lines.iter().all(|plan| {
        let wish = ask.lines.iter().find(|line| line.line == plan.line).map(|line| line.wish);
        let as_wished = rules.consent.by_wish && wish_counts && wish == Some(plan.resolution());
        let whole = plan.freight_kept.is_none();
        (as_wished && whole)
            // Nobody refuses the fee that comes back besides.
            || !plan.only_with.is_empty()
            || plan.resolution() == Resolution::Reject
            || (whole && rules.consent.not_needed.contains(&Word(plan.resolution())))
    })
}
