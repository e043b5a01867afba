//! Claims that say the same: found when the second is reported, merged by a person.

use jiff::Timestamp;
use proto::{ClaimId, codes};

use super::{Answer, Claim, End, Event, Line, Refusal};

/// Numbers of possible duplicates that a claim names.
pub const POSSIBLE_MAX: usize = 5;

/// A line of a claim that the same customer reported lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Number of the claim.
    pub number: String,
    /// Order number; empty: unknown.
    pub order_no: String,
    /// Stock-keeping unit.
    pub sku: String,
}

/// Numbers of the claims that lines may repeat: the same article of the same order, or of an order that one of the two
/// does not name. `recent` is newest first.
pub fn possible_duplicates(lines: &[Line], recent: &[Recent]) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    for known in recent {
        if numbers.len() < POSSIBLE_MAX
            && !numbers.contains(&known.number)
            && lines.iter().any(|line| may_repeat(line, known))
        {
            numbers.push(known.number.clone());
        }
    }
    numbers
}

fn may_repeat(line: &Line, known: &Recent) -> bool {
    let unknown = line.order_no.is_empty() || known.order_no.is_empty();
    let is_same = |one: &str, other: &str| codes::key(one) == codes::key(other);
    is_same(&line.sku, &known.sku) && (unknown || is_same(&line.order_no, &known.order_no))
}

impl Claim {
    pub(super) fn mark_duplicate(
        &self,
        other: Option<&Claim>,
        now: Timestamp,
        of: ClaimId,
        version: Option<i64>,
    ) -> Result<Vec<Event>, Refusal> {
        let other = other.ok_or(Refusal::NoOther { of })?;
        self.live()?;
        if version.is_some_and(|read| read != self.version) {
            return Err(Refusal::EtagMismatch);
        }
        if other.customer_ref != self.customer_ref {
            return Err(Refusal::OtherCustomer);
        }
        // Claims that were merged into it before have somewhere to go, and no two are each other's duplicates.
        let gone = matches!(other.end, Some((End::Withdrawn | End::Duplicate, _)));
        if gone || other.given_up().is_some() {
            return Err(Refusal::NotMergeable);
        }
        if self.open_follow_up().is_some() {
            return Err(Refusal::AlreadySolved);
        }
        Ok(vec![Event::Answered(Answer::Duplicate { of, number: other.number.clone() }, now)])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proto::claim::{Category, Resolution};

    use super::super::Pii;
    use super::*;

    fn line(order_no: &str, sku: &str) -> Line {
        Line {
            order_no: order_no.to_owned(),
            sku: sku.to_owned(),
            batch: String::new(),
            serials: Vec::new(),
            quantity: 1,
            category: Category::Unspecified,
            wish: Resolution::Unspecified,
            delivered_on: None,
            occurred_on: None,
            description: Pii::default(),
            safety_risk: false,
            operation_stopped: false,
        }
    }

    fn recent(number: &str, order_no: &str, sku: &str) -> Recent {
        let own = str::to_owned;
        Recent { number: own(number), order_no: own(order_no), sku: own(sku) }
    }

    #[test]
    fn the_same_order_line_may_be_repeated_and_others_are_not() {
        let known = [
            recent("9", "AB-1002", "MUG"),
            recent("8", "ab1001", "mug"),
            recent("7", "", "M-UG"),
            recent("6", "AB-1001", "LAMP"),
            recent("8", "AB-1001", "MUG"),
        ];
        assert_eq!(possible_duplicates(&[line("#AB-1001", "MUG")], &known), ["8", "7"]);
        assert_eq!(possible_duplicates(&[line("", "MUG")], &known), ["9", "8", "7"], "no order is named");
        assert_eq!(possible_duplicates(&[line("X", "CUP"), line("AB-1001", "LAMP")], &known), ["6"]);
    }

    proptest! {
        #[test]
        fn a_claim_names_each_once_and_few(of in prop::collection::vec((0_u8..9, 0_u8..3, 0_u8..3), 0..60)) {
            let known: Vec<_> = of.iter().map(|(n, o, s)| recent(&n.to_string(), &o.to_string(), &s.to_string())).collect();
            let found = possible_duplicates(&[line("1", "1"), line("", "2")], &known);
            let mut once = found.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), found.len());
            prop_assert!(found.len() <= POSSIBLE_MAX);
        }
    }
}
