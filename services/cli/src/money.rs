//! Amounts between people and the contract: exact, never a floating point number.

use proto::claim::Money;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Digits behind the point of a currency (ISO 4217).
fn digits(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" => 0,
        "BHD" | "KWD" | "OMR" | "TND" | "JOD" => 3,
        _ => 2,
    }
}

/// Reads a price as `2.55` into minor units; says why if it is none.
pub fn minor_units(text: &str, currency: &str) -> Result<i64, String> {
    let price: Decimal = text.trim().parse().map_err(|_| format!("{text:?} is not a price"))?;
    let minor = price * Decimal::from(10_i64.pow(digits(currency)));
    if !minor.fract().is_zero() {
        return Err(format!("{text:?} has more digits than {currency} has"));
    }
    minor.to_i64().ok_or_else(|| format!("{text:?} is too much"))
}

/// An amount for people, as `12.50 GBP`.
pub fn show(money: Option<&Money>) -> String {
    money.map(|money| format!("{} {}", amount(money.minor_units, &money.currency), money.currency)).unwrap_or_default()
}

/// Minor units for people, as `12.50`.
pub fn amount(minor_units: i64, currency: &str) -> String {
    Decimal::new(minor_units, digits(currency)).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prices_are_exact() {
        assert_eq!(minor_units("2.55", "GBP"), Ok(255));
        assert_eq!(minor_units(" 0.1", "GBP"), Ok(10));
        assert_eq!(minor_units("-3", "GBP"), Ok(-300));
        assert_eq!(minor_units("300", "JPY"), Ok(300));
        assert!(minor_units("2.555", "GBP").is_err());
        assert!(minor_units("two", "GBP").is_err());
        assert!(minor_units("99999999999999999999", "GBP").is_err());
    }

    proptest! {
        #[test]
        fn an_amount_is_text_and_back(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            prop_assert_eq!(minor_units(&amount(minor, "GBP"), "GBP"), Ok(minor));
        }
    }
}
