//! What the ledgers granted for one piece of work, order line by order line.

use serde::{Deserialize, Serialize};

use crate::claim_process::Job;
use crate::entitlement::OrderLine;

/// What the ledgers granted for one piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Grant {
    /// The work.
    pub job: Job,
    /// What each order line gave, in the order of the plan's takes, whatever a later plan says.
    pub parts: Vec<Part>,
}

/// What one order line gave to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub line: OrderLine,
    /// Units held for it.
    pub held: u32,
    /// Of these, units that had been given as goods before and have failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u32,
    /// Value that was booked for those.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub again_worth: i64,
    /// Units given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub given: u32,
    /// What was booked for them, minor units.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub amount: i64,
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub tax: i64,
    /// They were given as goods.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goods: bool,
    /// What the plan allows; unset: not kept, the plan in force says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
}

/// What a plan allows for the units of an order line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    pub units: u32,
    /// The most that may be booked for all of them, minor units.
    pub amount: i64,
}

/// A grant as it is stored: with parts, or of before, with one order line of which the process alone knows what is held.
#[derive(Deserialize)]
struct Kept {
    job: Job,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    line: Option<OrderLine>,
    #[serde(default)]
    given: u32,
    #[serde(default)]
    amount: i64,
}

impl From<Kept> for Grant {
    fn from(kept: Kept) -> Self {
        let Kept { job, mut parts, line, given, amount } = kept;
        let of_before = |line| Part { held: u32::MAX, given, amount, ..Part::new(line, 0, None) };
        parts.extend(line.map(of_before));
        Self { job, parts }
    }
}

impl Part {
    /// What an order line holds for a grant.
    pub fn new(line: OrderLine, held: u32, allowed: Option<Allowed>) -> Self {
        Self { line, held, again: 0, again_worth: 0, given: 0, amount: 0, tax: 0, goods: false, allowed }
    }

    /// So many units are no more held for the second time.
    pub fn forget_again(&mut self, units: u32) {
        self.again_worth -= proto::share::first(self.again_worth, self.again, units);
        self.again -= units.min(self.again);
    }

    /// The most that may be booked for the next `units`.
    pub fn cap(&self, units: u32) -> i64 {
        let Some(Allowed { units: of, amount }) = self.allowed else { return i64::MAX };
        (proto::share::first(amount, of, self.given.saturating_add(units)) - self.amount).max(0)
    }

    /// The part of the booked amount that belongs to `units` of the given ones; all parts together are the whole.
    pub fn share(&self, units: u32) -> i64 {
        proto::share::first(self.amount, self.given, units)
    }

    /// The tax in that part.
    pub fn tax_share(&self, units: u32) -> i64 {
        proto::share::first(self.tax, self.given, units)
    }
}

impl Grant {
    /// Places and units of the parts that `units` are taken from, by what each has, in order.
    pub fn walk(&self, units: u32, has: fn(&Part) -> u32) -> Vec<(usize, u32)> {
        Self::spread(self.parts.iter().enumerate(), units, has)
    }

    /// The same from the last part on: what is given back was promised last.
    pub fn walk_back(&self, units: u32, has: fn(&Part) -> u32) -> Vec<(usize, u32)> {
        Self::spread(self.parts.iter().enumerate().rev(), units, has)
    }

    fn spread<'a>(
        parts: impl Iterator<Item = (usize, &'a Part)>,
        units: u32,
        has: fn(&Part) -> u32,
    ) -> Vec<(usize, u32)> {
        let mut left = units;
        let each = parts.map(|(at, part)| {
            let taken = has(part).min(left);
            left -= taken;
            (at, taken)
        });
        each.filter(|(_, taken)| *taken > 0).collect()
    }

    /// What was booked for the first `units` of the given ones.
    pub fn worth(&self, units: u32) -> i64 {
        self.walk(units, |part| part.given).into_iter().map(|(at, units)| self.parts[at].share(units)).sum()
    }

    /// The tax in what was booked for the first `units` of the given ones.
    pub fn tax(&self, units: u32) -> i64 {
        self.walk(units, |part| part.given).into_iter().map(|(at, units)| self.parts[at].tax_share(units)).sum()
    }

    /// What was booked for all that was given.
    pub fn amount(&self) -> i64 {
        self.parts.iter().map(|part| part.amount).sum()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(units: &u32) -> bool {
    *units == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_nothing(amount: &i64) -> bool {
    *amount == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::claim_process::Leg;

    fn job() -> Job {
        Job { round: 1, line: 1, leg: Leg::Entitlement, attempt: 1 }
    }

    fn line(order_no: &str) -> OrderLine {
        OrderLine { order_no: order_no.to_owned(), sku: "B".to_owned(), line_id: String::new() }
    }

    #[test]
    fn a_grant_of_before_is_read_as_one_part() {
        let old = r#"{"job":{"round":1,"line":1,"leg":"Entitlement","attempt":1},
            "line":{"order_no":"A","sku":"B"},"given":2,"amount":500}"#;
        let grant: Grant = serde_json::from_str(old).unwrap();
        assert_eq!((grant.parts.len(), &grant.parts[0].line), (1, &line("A")));
        assert_eq!((grant.worth(2), grant.worth(1), grant.parts[0].cap(9)), (500, 250, i64::MAX));
        assert_eq!(grant.walk(7, |part| part.held), [(0, 7)], "the process knows how many are held");
        let text = serde_json::to_string(&grant).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant);
    }

    #[test]
    fn units_are_given_from_the_first_and_given_back_from_the_last() {
        let part = |order_no, held| Part::new(line(order_no), held, Some(Allowed { units: held, amount: 1_000 }));
        let grant = Grant { job: job(), parts: vec![part("A", 2), part("B", 3)] };
        assert_eq!(grant.walk(3, |part| part.held), [(0, 2), (1, 1)]);
        assert_eq!(grant.walk_back(4, |part| part.held), [(1, 3), (0, 1)]);
        assert_eq!([1, 2, 3].map(|units| grant.parts[1].cap(units)), [334, 667, 1_000]);
        let text = serde_json::to_string(&grant).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant);
    }

    proptest! {
        #[test]
        fn shares_of_a_part_add_up(given in 1_u32..50, amount in 0_i64..100_000, portions in prop::collection::vec(1_u32..9, 1..60)) {
            let mut part = Part { given, amount, ..Part::new(line("A"), 0, None) };
            let mut back = 0;
            for units in portions {
                let units = units.min(part.given);
                let share = part.share(units);
                prop_assert!((0..=part.amount).contains(&share));
                part.given -= units;
                part.amount -= share;
                back += share;
            }
            back += part.share(part.given);
            prop_assert_eq!(back, amount);
        }

        /// In whatever portions units are given, together they are never more than the plan allows.
        #[test]
        fn portions_stay_within_what_is_allowed(units in 1_u32..50, amount in 0_i64..100_000, portions in prop::collection::vec((1_u32..9, 0_i64..50_000), 1..60)) {
            let mut part = Part::new(line("A"), units, Some(Allowed { units, amount }));
            for (wanted, worth) in portions {
                let wanted = wanted.min(part.held);
                part.amount += worth.min(part.cap(wanted));
                part.given += wanted;
                part.held -= wanted;
                prop_assert!(part.amount <= proto::share::first(amount, units, part.given));
            }
        }
    }
}
