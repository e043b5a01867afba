//! What was paid: units times price, and discounts spread over the lines of an invoice.

use proto::claim::Money;
use proto::currency;
use proto::triage::OrderLine;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// What was paid for some units at a price, in minor units.
///
/// A price may have more digits than its currency: ten at 17.925 are 179.25. It may also be what was paid divided by the
/// units and rounded, as 2.3333 for three that cost 7.00. Anything else is no amount that can have been paid.
pub fn of(quantity: i64, price: Decimal, currency: &str) -> Result<i64, String> {
    let digits = currency::find(currency).map_err(|why| why.to_string())?.digits;
    let too_much = || format!("{quantity} at {price} are too much");
    let units = Decimal::from(quantity);
    let all = price.checked_mul(units).ok_or_else(too_much)?;
    let total = all.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    let again = total.checked_div(units).unwrap_or_default();
    let again = again.round_dp_with_strategy(price.scale(), RoundingStrategy::MidpointAwayFromZero);
    if total != all && again != price {
        return Err(format!(
            "{quantity} at {price} are {}, which is no amount of {currency}: it has {digits} digits behind the point",
            all.normalize()
        ));
    }
    let minor = total.checked_mul(Decimal::from(10_i64.pow(digits))).ok_or_else(too_much)?;
    minor.to_i64().ok_or_else(too_much)
}

/// What was paid for an order line, in minor units.
pub fn total(line: &OrderLine) -> Option<i64> {
    let by_unit = |price: &Money| price.minor_units.checked_mul(i64::from(line.quantity));
    line.paid_total.as_ref().map(|paid| paid.minor_units).or_else(|| line.unit_price.as_ref().and_then(by_unit))
}

/// Spreads a discount over values by largest remainder: the parts add up to it, and none is more than its value. None if the
/// values are not worth it.
pub fn spread(discount: i64, values: &[i64]) -> Option<Vec<i64>> {
    let sum: i128 = values.iter().map(|value| i128::from(*value)).sum();
    let discount = i128::from(discount);
    if discount < 0 || discount > sum || sum == 0 || values.iter().any(|value| *value < 0) {
        return None;
    }
    let mut parts: Vec<i128> = values.iter().map(|value| discount * i128::from(*value) / sum).collect();
    let missing = usize::try_from(discount - parts.iter().sum::<i128>()).ok()?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Of equal remainders the first lines carry more.
    order.sort_by_key(|at| std::cmp::Reverse(discount * i128::from(values[*at]) % sum));
    order.into_iter().take(missing).for_each(|at| parts[at] += 1);
    parts.into_iter().map(|part| i64::try_from(part).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_paid_is_a_whole_amount() {
        assert_eq!(of(10, price("17.925"), "GBP"), Ok(17_925));
        assert_eq!(of(3, price("2.3333"), "GBP"), Ok(700));
        assert_eq!((of(1, price("1.2345"), "CLF"), of(2, price("5000.5"), "XOF")), (Ok(12_345), Ok(10_001)));
        assert_eq!((of(4, price("0"), "GBP"), of(-1, price("1.00"), "GBP")), (Ok(0), Ok(-100)));
        assert!(of(1, price("17.925"), "GBP").unwrap_err().contains("no amount of GBP"));
        assert!(of(1, price("5000.5"), "XOF").is_err());
        assert!(of(i64::MAX, price("9999999999"), "GBP").is_err());
    }

    #[test]
    fn a_discount_is_spread_by_value() {
        assert_eq!(spread(100, &[600, 400]), Some(vec![60, 40]));
        assert_eq!(spread(1, &[1, 1, 1]), Some(vec![1, 0, 0]));
        assert_eq!(spread(0, &[5, 0]), Some(vec![0, 0]));
        assert_eq!((spread(6, &[3, 2]), spread(1, &[]), spread(1, &[0])), (None, None, None));
    }

    proptest! {
        #[test]
        fn parts_add_up_and_none_is_more_than_its_value(
            values in prop::collection::vec(0_i64..1_000_000_000, 1..40),
            share in 0_u32..=1_000,
        ) {
            let sum: i64 = values.iter().sum();
            prop_assume!(sum > 0);
            let discount = i64::try_from(i128::from(sum) * i128::from(share) / 1_000).unwrap();
            let parts = spread(discount, &values).unwrap();
            prop_assert_eq!(parts.iter().sum::<i64>(), discount);
            for (part, value) in parts.iter().zip(&values) {
                prop_assert!(*part >= 0 && part <= value, "{} of {}", part, value);
                let exact = i128::from(discount) * i128::from(*value);
                prop_assert!((i128::from(*part) * i128::from(sum) - exact).abs() < i128::from(sum), "a penny at the most");
            }
        }

        /// A price that is what was paid by the units, rounded to some digits, gives what was paid; with more units than the
        /// digits tell apart it would be a penny off.
        #[test]
        fn a_rounded_price_gives_what_was_paid(quantity in 1_i64..100, paid in 0_i64..10_000_000, digits in 4_u32..8) {
            let written = (Decimal::new(paid, 2) / Decimal::from(quantity))
                .round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
            prop_assert_eq!(of(quantity, written, "GBP"), Ok(paid));
        }
    }
}
