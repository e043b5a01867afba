//! Which units of which order lines a line of a claim takes, one purchase after the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use proto::claim::{Money, OrderLineLeft, Take};
use proto::policy::Pack;

use super::ask::Ask;
use super::eligibility::Eligibility;
use super::orders::{Key, Order};
use super::plan;

/// Order lines that the lines of one claim take from at the most: a plan must fit into a message.
const TAKES_MAX: usize = 200;

/// What a claim can still take: what other claims have left, as far as it was told, less what its lines took before.
#[derive(Clone, Debug)]
pub struct Stock<'a> {
    left: BTreeMap<Key, &'a OrderLineLeft>,
    taken: BTreeMap<Key, u32>,
    each: usize,
    again: bool,
}

/// What a line of a claim takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken<'o> {
    /// Units of order lines, all in one currency.
    pub parts: Vec<(&'o Order, u32)>,
    /// How the purchase lies that is worst.
    pub eligible: Option<Eligibility>,
}

impl<'a> Stock<'a> {
    /// What the rules may take: what nobody was promised or given.
    pub fn free(ask: &'a Ask) -> Self {
        let left = ask.message.left.iter();
        let key = |left: &OrderLineLeft| (left.order_no.clone(), left.sku.clone(), left.line_id.clone());
        let left = left.map(|left| (key(left), left)).collect();
        let each = (TAKES_MAX / ask.lines.len().max(1)).max(1);
        Self { left, taken: BTreeMap::new(), each, again: false }
    }

    /// What a person may take: also what was given in place of something else, and has failed.
    pub fn with_replaced(&self) -> Self {
        Self { again: true, ..self.clone() }
    }

    /// Units of an order line that can be taken.
    pub fn of(&self, order: &Order) -> u32 {
        let key = order.key();
        let known = self.left.get(&key).map_or(order.quantity, |left| {
            // Facts that are newer than those of the ledger: units that came to it are free, those that went are not.
            let more = if left.version == 0 { 0 } else { i64::from(order.quantity) - i64::from(left.sold_quantity) };
            let again = if self.again { left.replaced } else { 0 };
            let free = (i64::from(left.free) + more).max(0) + i64::from(again);
            u32::try_from(free).unwrap_or(u32::MAX).min(order.quantity)
        });
        known.saturating_sub(self.taken.get(&key).copied().unwrap_or(0))
    }

    /// Whether units were given in place of something else that may have failed.
    pub fn was_replaced(&self, orders: &[&Order]) -> bool {
        orders.iter().any(|order| self.left.get(&order.key()).is_some_and(|left| left.replaced > 0))
    }

    /// Whether a unit is paid more by these facts than by those that other claims were decided by.
    pub fn is_raised(&self, taken: &Taken<'_>) -> bool {
        taken.parts.iter().any(|(order, _)| {
            let Some(left) = self.left.get(&order.key()).filter(|left| left.version > 0) else { return false };
            let before = left.paid_total.as_ref().map_or(0, |paid| paid.minor_units);
            let other = left.paid_total.as_ref().is_some_and(|paid| paid.currency != order.paid.currency);
            let raised = i128::from(order.paid.minor_units) * i128::from(left.sold_quantity)
                > i128::from(before) * i128::from(order.quantity);
            left.version < order.version && (other || raised)
        })
    }

    /// The units that a line takes.
    ///
    /// The purchases that lie best come first. Among them it is the newest that has all units, else they are used one
    /// after the other, newest first; within an order the cheapest line first. All of them are in one currency.
    pub fn take<'o>(&self, orders: &[&'o Order], units: u32, eligible: impl Fn(&Order) -> Eligibility) -> Taken<'o> {
        let mut purchases = self.purchases(orders, eligible);
        let mut taken = Taken::default();
        let mut wanted = units;
        while wanted > 0 && taken.parts.len() < self.each {
            let rank = |purchase: &Purchase<'o>| {
                let first = purchase.lines[0].0;
                let has_all = purchase.units >= u64::from(wanted);
                (Reverse(purchase.eligible), has_all, first.purchased_on, first.order_no.clone())
            };
            let Some(best) = (0..purchases.len()).max_by_key(|at| rank(&purchases[*at])) else { break };
            let purchase = purchases.swap_remove(best);
            taken.eligible = taken.eligible.max(Some(purchase.eligible));
            for (order, has) in purchase.lines {
                let units = has.min(wanted);
                if units > 0 && taken.parts.len() < self.each {
                    taken.parts.push((order, units));
                    wanted -= units;
                }
            }
            let currency = &taken.parts[0].0.paid.currency;
            purchases.retain(|purchase| purchase.lines[0].0.paid.currency == *currency);
        }
        taken
    }

    /// What is taken is not there for the lines that follow.
    pub fn keep(&mut self, taken: &Taken<'_>) {
        for (order, units) in &taken.parts {
            *self.taken.entry(order.key()).or_default() += units;
        }
    }

    /// The orders that have something left, each in one currency, cheapest line first.
    fn purchases<'o>(&self, orders: &[&'o Order], eligible: impl Fn(&Order) -> Eligibility) -> Vec<Purchase<'o>> {
        let mut by_number: BTreeMap<&str, Vec<(&'o Order, u32)>> = BTreeMap::new();
        for order in orders {
            let units = self.of(order);
            if units > 0 {
                by_number.entry(&order.order_no).or_default().push((order, units));
            }
        }
        let purchase = |mut lines: Vec<(&'o Order, u32)>| {
            lines.sort_by_key(|(order, _)| (order.unit_price(), order.line_id.as_str()));
            let currency = &lines[0].0.paid.currency;
            lines.retain(|(order, _)| order.paid.currency == *currency);
            let units = lines.iter().map(|(_, units)| u64::from(*units)).sum();
            let eligible = lines.iter().map(|(order, _)| eligible(order)).max().unwrap_or(Eligibility::Outside);
            Purchase { lines, units, eligible }
        };
        by_number.into_values().map(purchase).collect()
    }
}

impl Taken<'_> {
    /// Units in all.
    pub fn units(&self) -> u32 {
        self.parts.iter().map(|(_, units)| units).sum()
    }

    /// The most that they may be worth, in the currency of their orders.
    pub fn most(&self) -> i64 {
        self.parts.iter().map(|(order, units)| order.most(*units)).fold(0, i64::saturating_add)
    }

    /// Something of it is still to be delivered.
    pub fn is_on_its_way(&self, today: Date) -> bool {
        self.parts.iter().any(|(order, _)| order.delivered_on.is_some_and(|day| day > today))
    }

    /// Something of it was sold to nobody known.
    pub fn is_anonymous(&self) -> bool {
        self.parts.iter().any(|(order, _)| order.customer_ref.is_empty())
    }

    /// The same in the currency of the pack, by the rates of the days they were bought; none: it has no rate.
    pub fn value(&self, pack: &Pack) -> Option<i64> {
        let each = |(order, units): &(&Order, u32)| {
            let amount = Money { minor_units: order.most(*units), currency: order.paid.currency.clone() };
            plan::in_pack(pack, &amount, order.purchased_on)
        };
        self.parts.iter().try_fold(0_i64, |sum, part| Some(sum.saturating_add(each(part)?)))
    }

    /// As a plan says it.
    pub fn wire(&self) -> Vec<Take> {
        let take = |(order, units): &(&Order, u32)| Take {
            order_no: order.order_no.clone(),
            sku: order.sku.clone(),
            line_id: order.line_id.clone(),
            version: order.version,
            sold_quantity: order.quantity,
            paid_total: Some(order.paid.clone()),
            quantity: *units,
            amount: Some(Money { minor_units: order.most(*units), currency: order.paid.currency.clone() }),
            tax_total: order.tax.map(|minor_units| Money { minor_units, currency: order.paid.currency.clone() }),
        };
        self.parts.iter().map(take).collect()
    }
}

/// What is left of one order.
struct Purchase<'o> {
    lines: Vec<(&'o Order, u32)>,
    units: u64,
    eligible: Eligibility,
}
