//! What other currencies are worth in that of the pack, by dated rates: limits and severity are compared by them, nothing is
//! ever paid by them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::claim::Money;
use crate::currency;
use crate::policy::Problems;

/// Rates by currency.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Rates(BTreeMap<String, Vec<Rate>>);

/// A rate that is in force from a day until the next one begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// First day.
    pub from: Date,
    /// What one unit of the currency is worth in the pack's, as "0.86".
    #[serde(deserialize_with = "exact")]
    pub rate: Decimal,
}

impl Rates {
    /// An amount in minor units of the pack's currency, rounded up: what is compared is never less than it was. None: there
    /// is no rate for that day.
    pub fn convert(&self, amount: &Money, into: &str, on: Date) -> Option<i64> {
        if amount.currency == into {
            return Some(amount.minor_units);
        }
        let rate = self.0.get(&amount.currency)?.iter().rev().find(|rate| rate.from <= on)?.rate;
        let digits = |code: &str| currency::find(code).ok().map(|currency| currency.digits);
        let (of, to) = (digits(&amount.currency)?, digits(into)?);
        // Amounts are below 2^44, mantissas below 2^48, powers of ten below 2^34: it fits.
        let over = i128::from(amount.minor_units) * rate.mantissa() * 10_i128.pow(to);
        let under = 10_i128.pow(rate.scale() + of);
        i64::try_from((over + under - 1) / under).ok()
    }

    pub(super) fn check(&self, pack_currency: &str, problems: &mut Problems) {
        for (code, rates) in &self.0 {
            let path = format!("triage.rates.{code}");
            if let Err(why) = currency::find(code) {
                problems.add(path.as_str(), why.to_string());
            }
            problems.require(code != pack_currency, path.as_str(), "is the currency of the pack itself");
            problems.require(!rates.is_empty(), path.as_str(), "must have a rate, or be left out");
            let rising = rates.is_sorted_by(|before, next| before.from < next.from);
            problems.require(rising, path.as_str(), "days must rise");
        }
    }
}

/// A decimal number as text, above zero, with at most nine digits behind the point.
fn exact<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(from)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.len() <= 15;
    let rate = Decimal::from_str_exact(&text).ok();
    rate.filter(|rate| plain && rate.mantissa() > 0 && rate.scale() <= 9)
        .ok_or_else(|| D::Error::custom(format!("`{text}` is not a rate: digits and one point, as \"0.86\"")))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn rates() -> Rates {
        let text = r#"
            EUR = [{ from = "2026-01-01", rate = "0.86" }, { from = "2026-07-01", rate = "0.875" }]
            JPY = [{ from = "2026-01-01", rate = "0.0052" }]
            KWD = [{ from = "2026-01-01", rate = "2.43" }]
        "#;
        toml::from_str(text).unwrap()
    }

    fn money(minor_units: i64, currency: &str) -> Money {
        Money { minor_units, currency: currency.to_owned() }
    }

    #[test]
    fn an_amount_is_compared_by_the_rate_of_its_day_and_the_digits_of_its_currency() {
        let rates = rates();
        let in_pounds = |amount, on| rates.convert(&amount, "GBP", on);
        assert_eq!(in_pounds(money(5_000, "EUR"), date(2026, 6, 30)), Some(4_300));
        assert_eq!(in_pounds(money(5_000, "EUR"), date(2026, 7, 1)), Some(4_375));
        assert_eq!(in_pounds(money(1_000, "JPY"), date(2026, 7, 1)), Some(520), "a yen has no parts");
        assert_eq!(in_pounds(money(1_000, "KWD"), date(2026, 7, 1)), Some(243), "a dinar has a thousand");
        assert_eq!(in_pounds(money(1, "EUR"), date(2026, 7, 1)), Some(1), "rounded up");
        assert_eq!(in_pounds(money(7, "GBP"), date(1999, 1, 1)), Some(7));
        assert_eq!(in_pounds(money(5_000, "EUR"), date(2025, 12, 31)), None, "no rate yet");
        assert_eq!(in_pounds(money(5_000, "USD"), date(2026, 7, 1)), None);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for bad in ["0", "-1", "1e3", "0.0000000001", "", "x", "1,5", "0.0", "99999999999999999"] {
            let text = format!("EUR = [{{ from = \"2026-01-01\", rate = \"{bad}\" }}]");
            assert!(toml::from_str::<Rates>(&text).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn more_is_never_worth_less(a in 0_i64..=10_000_000_000_000, b in 0_i64..=10_000_000_000_000) {
            for code in ["EUR", "JPY", "KWD"] {
                let worth = |minor| rates().convert(&money(minor, code), "GBP", date(2026, 7, 1)).unwrap();
                prop_assert!(a > b || worth(a) <= worth(b));
                prop_assert!(worth(a) >= 0 && (a == 0) == (worth(a) == 0));
            }
        }
    }
}
