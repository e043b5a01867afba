//! What was paid for the delivery of an order: it goes back with the whole order, as the policy says.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proto::claim::{LinePlan, Resolution};
use proto::policy::Pack;
use proto::policy::triage::{Otherwise, Triage, WholeOrder};
use proto::triage::LineKind;

use super::ask::{Ask, Line};
use super::orders::{Key, Order, Orders};
use super::plan;
use super::rules::{ALREADY_COMPENSATED, Look, NOT_GOODS, Says, Why};

/// A part of the order comes back, and the fee stays paid.
pub const DELIVERY_FEE_KEPT: &str = "DELIVERY_FEE_KEPT";

/// Whether an order line is the fee of a delivery: it says so, or the policy does.
pub fn is_fee(rules: &Triage, order: &Order) -> bool {
    match order.kind {
        LineKind::DeliveryFee => true,
        LineKind::Unspecified | LineKind::Goods => rules.delivery_fee.skus.contains(&order.sku),
        LineKind::Service => false,
    }
}

fn is_goods(rules: &Triage, order: &Order) -> bool {
    match order.kind {
        LineKind::Unspecified | LineKind::Goods => !is_fee(rules, order) && !rules.non_goods.contains(&order.sku),
        LineKind::DeliveryFee | LineKind::Service => false,
    }
}

/// Whether a line of a claim is about such fees.
pub fn is_claimed(rules: &Triage, line: &Line, found: &[&Order]) -> bool {
    let advice = line.wish == Resolution::TechnicalSupport;
    !advice && !found.is_empty() && found.iter().all(|order| is_fee(rules, order))
}

/// What the rules say of a fee, by what they say of the other lines.
pub(super) fn says<'a>(
    fee: &Look<'_>,
    others: impl Iterator<Item = (&'a Look<'a>, &'a Says)>,
    orders: &Orders,
    pack: &Pack,
    ask: &Ask,
    now: Timestamp,
) -> Says {
    let rules = &pack.triage;
    let Some((paid, _)) = fee.taken.parts.first() else { return fee.refuse(pack, ALREADY_COMPENSATED) };
    let of_order = |order: &Order| order.order_no == paid.order_no && order.customer_ref == paid.customer_ref;
    let mut back: BTreeMap<Key, u32> = BTreeMap::new();
    let mut lines = Vec::new();
    for (look, says) in others {
        let parts: Vec<_> = look.taken.parts.iter().filter(|(order, _)| of_order(order)).collect();
        if let Some(line) = says.refunded().filter(|_| !parts.is_empty()) {
            lines.push(line);
            parts.iter().for_each(|(order, units)| *back.entry(order.key()).or_default() += units);
        }
    }
    let mut goods = orders.whole(&paid.order_no).filter(|order| of_order(order) && is_goods(rules, order)).peekable();
    let is_whole = goods.peek().is_some() && goods.all(|order| back.get(&order.key()) == Some(&order.quantity));
    let made = fee.make_as(Resolution::RefundOnly, pack, ask, &fee.taken, now);
    match (is_whole, rules.delivery_fee.whole_order, rules.delivery_fee.otherwise) {
        (true, WholeOrder::Refund, _) => Says::Do(LinePlan { only_with: lines, ..made }),
        (_, _, Otherwise::Person) => Says::AskPerson(Why::DeliveryFee, Some(LinePlan { only_with: lines, ..made })),
        (_, _, Otherwise::Refuse) if lines.is_empty() => fee.refuse(pack, NOT_GOODS),
        (_, _, Otherwise::Refuse) => fee.refuse(pack, DELIVERY_FEE_KEPT),
    }
}

/// Fees that a person gives back depend on the same lines: nothing is paid back for goods that do not come.
pub fn bind(rules: &Triage, orders: &Orders, lines: &mut [LinePlan]) {
    let is_fee = |plan: &LinePlan| {
        let taken = plan.takes.iter().map(|take| {
            let mut lines = orders.whole(&take.order_no);
            lines.any(|order| (&order.sku, &order.line_id) == (&take.sku, &take.line_id) && is_fee(rules, order))
        });
        plan.resolution() == Resolution::RefundOnly && !plan.takes.is_empty() && taken.into_iter().all(|fee| fee)
    };
    let fees: Vec<usize> = (0..lines.len()).filter(|at| is_fee(&lines[*at])).collect();
    for at in &fees {
        let with = lines.iter().enumerate().filter(|(other, plan)| {
            let same = plan.takes.iter().any(|take| take.order_no == lines[*at].takes[0].order_no);
            !fees.contains(other) && same && plan::refunds(plan.resolution())
        });
        lines[*at].only_with = with.map(|(_, plan)| plan.line).collect();
    }
}

impl Says {
    /// The line of a plan that pays goods back inside their window, or would if a person says so.
    fn refunded(&self) -> Option<u32> {
        match self {
            Self::Do(plan) | Self::AskPerson(_, Some(plan)) => plan::refunds(plan.resolution()).then_some(plan.line),
            Self::Refuse(..) | Self::AskPerson(_, None) | Self::AskCustomer(_) => None,
        }
    }
}
