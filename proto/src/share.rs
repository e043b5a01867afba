//! What a part of the units of an order line is worth: the same arithmetic for who plans and for who pays.
//!
//! An amount is spread over units by largest remainder: with equal shares, the first units carry one minor unit more. So
//! the parts add up to the amount, in whatever portions they come.

/// What the first `units` of `of` are worth, of what was paid for all; never more than that.
pub fn first(total: i64, of: u32, units: u32) -> i64 {
    let of = i64::from(of.max(1));
    let units = i64::from(units).min(of);
    let (share, remainder) = (total / of, total % of);
    share * units + remainder.min(units)
}

/// What `units` are worth that come after `before` others.
pub fn next(total: i64, of: u32, before: u32, units: u32) -> i64 {
    first(total, of, before.saturating_add(units)) - first(total, of, before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_discount_on_an_invoice_is_spread() {
        // 10 for 23.90 each less 25 % is 179.25.
        assert_eq!((first(17_925, 10, 1), first(17_925, 10, 7), first(17_925, 10, 10)), (1_793, 12_549, 17_925));
        assert_eq!([0, 1, 2].map(|before| next(70_000, 3, before, 1)), [23_334, 23_333, 23_333]);
    }

    proptest! {
        #[test]
        fn portions_add_up(total in 0_i64..10_000_000_000_000, of in 1_u32..1_000_000, portions in prop::collection::vec(1_u32..50_000, 0..60)) {
            let (mut before, mut sum) = (0, 0);
            for units in portions {
                let units = units.min(of - before);
                let part = next(total, of, before, units);
                prop_assert!(part >= 0 && part <= first(total, of, units), "the first units are worth the most");
                before += units;
                sum += part;
            }
            prop_assert_eq!(sum + next(total, of, before, of - before), total);
        }

        /// What is allowed for some units covers any part of them, wherever it comes: nothing is lost between two spreads.
        #[test]
        fn what_is_allowed_covers_its_parts(total in 0_i64..1_000_000, of in 1_u32..300, wanted in 1_u32..300, part in 0_u32..300) {
            let wanted = wanted.min(of);
            let part = part.min(wanted);
            let allowed = first(total, of, wanted);
            prop_assert_eq!(first(allowed, wanted, part), first(total, of, part));
        }
    }
}
