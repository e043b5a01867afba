//! What somebody got, or is promised, over all claims: automatic authority counts sums, not claims (S0-49).
//!
//! A claim counts what the ledgers hold and gave for it, and a plan that its customer is asked about. It counts for its
//! customer and the orders, and for the person who gave it alone. What is given back counts no more.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use proto::policy::orchestrator;
use serde::{Deserialize, Serialize};

/// Orders, and articles that were denied, that are kept of a customer at the most: the newest.
const KEPT_MAX: usize = 200;
/// Days for which the sum of an order is kept.
const ORDER_DAYS: i64 = 730;

/// What a customer got, or a person gave. Amounts are minor units of the pack's currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Version of the row; 0: not stored yet.
    #[serde(skip)]
    pub version: i64,
    /// By the day on which it was promised.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    days: BTreeMap<Date, i64>,
    /// By order, with the day on which something was promised last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    orders: BTreeMap<String, (Date, i64)>,
    /// SKUs that were denied, and when last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    denied: BTreeMap<String, Date>,
}

/// What one claim counts in the sums of somebody. Kept with the claim, so that it can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Whose sums: a key of them.
    pub scope: String,
    /// The day for which it counts.
    pub day: Date,
    /// In all, minor units of the pack's currency.
    pub minor: i64,
    /// Of this, by order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orders: BTreeMap<String, i64>,
}

/// The key of a customer's sums.
pub fn of_customer(customer_ref: &str) -> String {
    format!("customer:{customer_ref}")
}

/// The key of the sums of a person who decides.
pub fn of_person(subject: &str) -> String {
    format!("person:{subject}")
}

/// Why the authority does not suffice, and what it was looked at with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// Stable reason code.
    pub reason: &'static str,
    /// Cost and sum together, minor units.
    pub counted: i64,
}

/// A plan that would be allowed without a person.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub cost: i64,
    /// The cost of its lines, by order.
    pub orders: &'a BTreeMap<String, i64>,
    /// SKUs of what it gives.
    pub skus: &'a [&'a str],
    /// The day.
    pub today: Date,
}

impl Sums {
    /// The same in another version of the row.
    pub fn at(self, version: i64) -> Self {
        Self { version, ..self }
    }

    /// Whether the customer was denied something of a plan.
    pub fn was_denied(&self, rules: &orchestrator::Sums, asked: &Asked<'_>) -> Option<Beyond> {
        let denied = |sku: &&str| self.denied.get(*sku).is_some_and(|day| counts(*day, rules.denied_days, asked.today));
        asked.skus.iter().any(denied).then_some(Beyond { reason: "DENIED_BEFORE", counted: asked.cost })
    }

    /// Why a plan for this customer is beyond what is given without a person.
    pub fn beyond(&self, rules: &orchestrator::Sums, asked: &Asked<'_>) -> Option<Beyond> {
        let of_order = |(order, cost): (&String, &i64)| {
            let (_, before) = self.orders.get(order).copied().unwrap_or_default();
            before.saturating_add(*cost)
        };
        let order = asked.orders.iter().map(of_order).filter(|sum| *sum > rules.order_max).max();
        let customer = self.within(rules.customer_days, asked.today).saturating_add(asked.cost);
        let customer = (customer > rules.customer_max).then_some(customer);
        // The greater sum says who approves.
        match (order, customer) {
            (Some(order), Some(customer)) if order > customer => Some(Beyond { reason: "ORDER_SUM", counted: order }),
            (_, Some(counted)) => Some(Beyond { reason: "CUSTOMER_SUM", counted }),
            (Some(counted), None) => Some(Beyond { reason: "ORDER_SUM", counted }),
            (None, None) => None,
        }
    }

    /// Why a plan of this person is beyond what one gives alone on a day.
    pub fn beyond_person(&self, rules: &orchestrator::Sums, asked: &Asked<'_>) -> Option<Beyond> {
        let counted = self.within(1, asked.today).saturating_add(asked.cost);
        (counted > rules.person_day_max).then_some(Beyond { reason: "PERSON_SUM", counted })
    }

    /// What counts on a day and the days before it.
    fn within(&self, days: u32, today: Date) -> i64 {
        let counted = self.days.iter().filter(|(day, _)| counts(**day, days, today));
        counted.map(|(_, minor)| *minor).fold(0, i64::saturating_add)
    }

    /// Of all days that are kept.
    pub fn total(&self) -> i64 {
        self.days.values().copied().fold(0, i64::saturating_add)
    }

    /// A claim counts something else now.
    pub fn change(&mut self, before: Option<&Counted>, after: Option<&Counted>) {
        if let Some(Counted { day, minor, orders, .. }) = before {
            // What fell out since is not there to be taken back.
            if let Some(sum) = self.days.get_mut(day) {
                *sum = (*sum - minor).max(0);
            }
            for (order, minor) in orders {
                if let Some((_, sum)) = self.orders.get_mut(order) {
                    *sum = (*sum - minor).max(0);
                }
            }
        }
        if let Some(Counted { day, minor, orders, .. }) = after {
            let sum = self.days.entry(*day).or_default();
            *sum = sum.saturating_add(*minor);
            for (order, minor) in orders {
                let (newest, sum) = self.orders.entry(order.clone()).or_insert((*day, 0));
                (*newest, *sum) = ((*newest).max(*day), sum.saturating_add(*minor));
            }
        }
    }

    /// Something was denied.
    pub fn deny(&mut self, skus: impl IntoIterator<Item = String>, today: Date) {
        self.denied.extend(skus.into_iter().map(|sku| (sku, today)));
    }

    /// Forgets what counts no more, so that a row stays small.
    pub fn forget(&mut self, rules: &orchestrator::Sums, today: Date) {
        self.days.retain(|day, minor| *minor > 0 && counts(*day, rules.customer_days, today));
        self.denied.retain(|_, day| counts(*day, rules.denied_days, today));
        let oldest = today.saturating_sub(ORDER_DAYS.days());
        self.orders.retain(|_, (day, minor)| *minor > 0 && *day > oldest);
        newest(&mut self.orders, |(day, _)| *day);
        newest(&mut self.denied, |day| *day);
    }
}

/// Spreads a cost by weights: the parts add up to the whole, and each is right to a minor unit. Without any weight the first
/// has all of it.
pub fn parts(cost: i64, weights: &[i64]) -> Vec<i64> {
    let weight = |weight: &i64| i128::from((*weight).max(0));
    let all: i128 = weights.iter().map(weight).sum();
    let (mut seen, mut given) = (0, 0);
    let part = |(at, of): (usize, &i64)| {
        seen += weight(of);
        let until = match all {
            0 if at == 0 => i128::from(cost),
            0 => given,
            all => i128::from(cost) * seen / all,
        };
        let part = until - given;
        given = until;
        // No more than the cost, which fits.
        i64::try_from(part).unwrap_or(cost)
    };
    weights.iter().enumerate().map(part).collect()
}

/// Whether a day is one of the last so many, today's included. What is dated later counts, too.
fn counts(day: Date, days: u32, today: Date) -> bool {
    day > today.saturating_sub(i64::from(days).days())
}

fn newest<V>(kept: &mut BTreeMap<String, V>, day: impl Fn(&V) -> Date) {
    while kept.len() > KEPT_MAX {
        let oldest = kept.iter().min_by_key(|(_, value)| day(value)).map(|(key, _)| key.clone());
        oldest.and_then(|key| kept.remove(&key));
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use proto::policy::Pack;

    use super::*;

    fn rules() -> orchestrator::Sums {
        Pack::load(None).unwrap().orchestrator.sums
    }

    fn today() -> Date {
        date(2026, 11, 30)
    }

    fn counted(day: Date, minor: i64, order: &str) -> Counted {
        let orders = BTreeMap::from([(order.to_owned(), minor)]);
        Counted { scope: of_customer("C-1"), day, minor, orders }
    }

    fn asks(sums: &Sums, cost: i64, order: &str) -> Option<Beyond> {
        let orders = BTreeMap::from([(order.to_owned(), cost)]);
        let asked = Asked { cost, orders: &orders, skus: &["ART"], today: today() };
        sums.was_denied(&rules(), &asked).or_else(|| sums.beyond(&rules(), &asked))
    }

    #[test]
    fn the_third_unit_of_an_order_goes_to_a_person() {
        let mut sums = Sums::default();
        for _ in 0..2 {
            assert_eq!(asks(&sums, 5_000, "O-1"), None);
            sums.change(None, Some(&counted(today(), 5_000, "O-1")));
        }
        assert_eq!(asks(&sums, 5_000, "O-1"), Some(Beyond { reason: "ORDER_SUM", counted: 15_000 }));
        assert_eq!(asks(&sums, 5_000, "O-2"), None, "another order");
        sums.change(Some(&counted(today(), 5_000, "O-1")), None);
        assert_eq!(asks(&sums, 5_000, "O-1"), None, "it was given back");
    }

    #[test]
    fn a_customer_counts_for_the_days_of_the_policy() {
        let mut sums = Sums::default();
        sums.change(None, Some(&counted(date(2026, 10, 31), 50_000, "O-1")));
        assert_eq!(asks(&sums, 1, "O-2"), None, "thirty days are over");
        sums.change(None, Some(&counted(date(2026, 11, 1), 50_000, "O-1")));
        assert_eq!(asks(&sums, 1, "O-2"), Some(Beyond { reason: "CUSTOMER_SUM", counted: 50_001 }));
        sums.forget(&rules(), today());
        assert_eq!(sums.total(), 50_000);
    }

    #[test]
    fn a_person_counts_for_the_day_and_a_denial_for_its_days() {
        let mut sums = Sums::default();
        let orders = BTreeMap::new();
        let asked = Asked { cost: 1, orders: &orders, skus: &["ART"], today: today() };
        sums.change(None, Some(&counted(date(2026, 11, 29), 100_000, "O-1")));
        assert_eq!(sums.beyond_person(&rules(), &asked), None);
        sums.change(None, Some(&counted(today(), 100_000, "O-1")));
        let beyond = Beyond { reason: "PERSON_SUM", counted: 100_001 };
        assert_eq!(sums.beyond_person(&rules(), &asked), Some(beyond));
        let mut denied = Sums::default();
        denied.deny(["ART".to_owned()], date(2026, 6, 4));
        assert_eq!(asks(&denied, 1, "O-1"), Some(Beyond { reason: "DENIED_BEFORE", counted: 1 }));
        denied.deny(["ART".to_owned()], date(2026, 6, 3));
        assert_eq!(asks(&denied, 1, "O-1"), None);
    }

    #[test]
    fn a_row_stays_small() {
        let mut sums = Sums::default();
        for number in 0..KEPT_MAX + 5 {
            let day = today().saturating_sub(i64::try_from(number).unwrap().days());
            sums.change(None, Some(&counted(day, 1, &format!("O-{number}"))));
        }
        sums.deny((0..KEPT_MAX + 5).map(|number| format!("S-{number}")), today());
        sums.forget(&rules(), today());
        assert_eq!((sums.orders.len(), sums.denied.len(), sums.days.len()), (KEPT_MAX, KEPT_MAX, 30));
        assert!(sums.orders.contains_key("O-0"), "the newest are kept");
        let text = serde_json::to_string(&sums).unwrap();
        assert_eq!(serde_json::from_str::<Sums>(&text).unwrap(), sums);
    }

    proptest! {
        /// Whatever a line takes from how many orders: what counts for them adds up to what it costs, and is fair.
        #[test]
        fn parts_add_up_to_the_whole(cost in 0_i64..10_000_000_000_000, weights in prop::collection::vec(0_i64..10_000_000_000_000, 1..40)) {
            let parts = parts(cost, &weights);
            prop_assert_eq!((parts.len(), parts.iter().sum::<i64>()), (weights.len(), cost));
            let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights).filter(|_| all > 0) {
                let exact = i128::from(cost) * i128::from(*weight);
                prop_assert!((i128::from(*part) * all - exact).abs() < all, "{} of {}", part, cost);
            }
        }

        /// Whatever is promised, changed and given back in whatever order: the sums are those of what counts last.
        #[test]
        fn sums_are_those_of_what_counts_last(changes in prop::collection::vec((0_usize..6, 0_i64..9_000, 0_usize..3), 1..60)) {
            let mut sums = Sums::default();
            let mut claims: [Option<Counted>; 6] = Default::default();
            for (claim, minor, order) in changes {
                let day = claims[claim].as_ref().map_or(today(), |known| known.day);
                let after = (minor > 0).then(|| counted(day, minor, &format!("O-{order}")));
                sums.change(claims[claim].as_ref(), after.as_ref());
                claims[claim] = after;
                let whole: i64 = claims.iter().flatten().map(|known| known.minor).sum();
                prop_assert_eq!(sums.total(), whole);
                for order in 0..3 {
                    let of = |known: &Counted| known.orders.get(&format!("O-{order}")).copied().unwrap_or(0);
                    let whole: i64 = claims.iter().flatten().map(of).sum();
                    let known = sums.orders.get(&format!("O-{order}")).map_or(0, |(_, sum)| *sum);
                    prop_assert_eq!(known, whole);
                }
            }
        }
    }
}
