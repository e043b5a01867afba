//! What a claim counts in the sums of its customer, and whether a plan is inside what nobody need approve (S0-49).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use proto::claim::{LinePlan, Money, Plan};

use super::Turn;
use crate::case::{self, RULES};
use crate::claim_process::Stage;
use crate::sums::{self, Asked, Beyond, Counted, Sums};

impl Turn<'_> {
    /// Why a plan that would be allowed without a person is not; none: it is.
    pub fn beyond(&self, plan: &Plan) -> Option<Beyond> {
        let cost = plan.cost.as_ref().map_or(0, |cost| cost.minor_units);
        if !plan.automatic || cost == 0 {
            return None;
        }
        let orders = of_orders(plan);
        let skus: Vec<&str> = gives(plan).map(|line| line.sku.as_str()).collect();
        let asked = Asked { cost, orders: &orders, skus: &skus, today: self.today() };
        let (rules, customer) = (&self.rules.policy.sums, self.sums(&self.customer()));
        customer.was_denied(rules, &asked).or_else(|| match plan.proposed_by.as_str() {
            RULES => customer.beyond(rules, &asked),
            // A person knows the customer's claims, and has a sum of their own.
            person => self.sums(&sums::of_person(person)).beyond_person(rules, &asked),
        })
    }

    /// The customer was denied what the plan in force would have given.
    pub(super) fn deny(&mut self) {
        let skus: BTreeSet<String> = self.stored.plan.iter().flat_map(gives).map(|line| line.sku.clone()).collect();
        let (scope, today) = (self.customer(), self.today());
        self.change_sums(scope, |sums| sums.deny(skus, today));
    }

    /// Counts what the claim has come to.
    pub(super) fn count(&mut self) {
        let after = self.counts();
        let before = std::mem::replace(&mut self.stored.case.counted, after.clone());
        if before == after {
            return;
        }
        let scopes: BTreeSet<&String> = before.iter().chain(&after).map(|counted| &counted.scope).collect();
        for scope in scopes {
            let of = |all: &[Counted]| all.iter().find(|counted| counted.scope == *scope).cloned();
            let (was, is) = (of(&before), of(&after));
            if was != is {
                self.change_sums(scope.clone(), |sums| sums.change(was.as_ref(), is.as_ref()));
            }
        }
    }

    /// What the claim counts now, and for whom: the day stays the one on which it counted first.
    fn counts(&self) -> Vec<Counted> {
        let mut orders = self.granted_by_order();
        let mut minor: i64 = orders.values().sum();
        let plan = self.stored.plan.as_ref();
        // Who is asked whether they agree is promised it.
        if let (Stage::AwaitingConsent(_), Some(plan)) = (&self.stored.process.stage, plan) {
            for (order, cost) in of_orders(plan) {
                *orders.entry(order).or_default() += cost;
            }
            minor = minor.saturating_add(plan.cost.as_ref().map_or(0, |cost| cost.minor_units));
        }
        orders.retain(|order, minor| *minor > 0 && !order.starts_with(case::OWN_ORDER));
        if minor == 0 {
            return Vec::new();
        }
        let alone = plan.filter(|plan| plan.automatic && plan.proposed_by != RULES);
        let scopes = [Some(self.customer()), alone.map(|plan| sums::of_person(&plan.proposed_by))];
        let day =
            |scope: &str| self.stored.case.counted.iter().find(|known| known.scope == scope).map(|known| known.day);
        let counted = |scope: String| {
            let day = day(&scope).unwrap_or_else(|| self.today());
            Counted { day, minor, orders: orders.clone(), scope }
        };
        scopes.into_iter().flatten().map(counted).collect()
    }

    /// What the ledgers hold and gave for the claim, by order, in the currency of the pack.
    fn granted_by_order(&self) -> BTreeMap<String, i64> {
        let mut orders = BTreeMap::new();
        for part in self.stored.case.grants.iter().flat_map(|grant| &grant.parts) {
            let held = if part.allowed.is_some() { part.cap(part.held) } else { 0 };
            let Some(ledger) = self.known_ledger(&part.line) else { continue };
            let amount =
                Money { minor_units: part.amount.saturating_add(held), currency: ledger.sale.currency.clone() };
            let worth = self.rules.in_pack(&amount, self.today()).unwrap_or(0);
            *orders.entry(part.line.order_no.clone()).or_default() += worth;
        }
        orders
    }

    fn change_sums(&mut self, scope: String, change: impl FnOnce(&mut Sums)) {
        let mut sums = self.sums(&scope);
        change(&mut sums);
        sums.forget(&self.rules.remembered, self.today());
        self.sums.insert(scope, sums);
    }

    fn sums(&self, scope: &str) -> Sums {
        self.sums.get(scope).or_else(|| self.world.sums.get(scope)).cloned().unwrap_or_default()
    }

    fn customer(&self) -> String {
        sums::of_customer(&self.stored.case.submitted.customer_ref)
    }

    fn today(&self) -> Date {
        self.rules.today(self.meta.now)
    }
}

fn gives(plan: &Plan) -> impl Iterator<Item = &LinePlan> {
    plan.lines.iter().filter(|line| case::gives(line))
}

/// The cost of a plan by the orders that it takes from: a line that takes from several counts for each by what was paid for
/// the units that it takes from it, and by their number where nothing was.
fn of_orders(plan: &Plan) -> BTreeMap<String, i64> {
    let mut orders = BTreeMap::new();
    for line in gives(plan) {
        let cost = line.cost.as_ref().map_or(0, |cost| cost.minor_units);
        let mut worth: Vec<i64> =
            line.takes.iter().map(|take| take.amount.as_ref().map_or(0, |amount| amount.minor_units)).collect();
        if worth.iter().all(|worth| *worth == 0) {
            worth = line.takes.iter().map(|take| take.quantity.into()).collect();
        }
        for (take, part) in line.takes.iter().zip(sums::parts(cost, &worth)) {
            *orders.entry(take.order_no.clone()).or_default() += part;
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use proto::claim::{Resolution, Take};

    use super::*;

    #[test]
    fn a_line_that_takes_from_several_orders_counts_once_in_all() {
        let money = |minor_units| Some(Money { minor_units, currency: "GBP".to_owned() });
        let take = |order: &str, quantity, paid| Take {
            order_no: order.to_owned(),
            quantity,
            amount: money(paid),
            ..Take::default()
        };
        let line = |takes: Vec<Take>| LinePlan {
            resolution: Resolution::RefundOnly.into(),
            cost: money(9_001),
            takes,
            ..LinePlan::default()
        };
        let plan = |takes| Plan { lines: vec![line(takes)], ..Plan::default() };
        let sums = |takes| of_orders(&plan(takes)).into_iter().collect::<Vec<_>>();
        // Two units of one price: the cost halves.
        let halves = sums(vec![take("A", 1, 4_500), take("B", 1, 4_500)]);
        assert_eq!(halves, [("A".to_owned(), 4_500), ("B".to_owned(), 4_501)]);
        // A dear unit does not hide behind many cheap ones.
        let dear = sums(vec![take("A", 1, 9_000), take("B", 9, 9)]);
        assert_eq!(dear, [("A".to_owned(), 8_992), ("B".to_owned(), 9)]);
        // Two lines of one order, and goods for which nothing was paid.
        let free = sums(vec![take("A", 1, 0), take("A", 1, 0), take("B", 1, 0)]);
        assert_eq!(free.iter().map(|(_, sum)| sum).sum::<i64>(), 9_001);
        assert_eq!(free[0], ("A".to_owned(), 6_000));
    }
}
