//! Amounts between people and the contract: exact, never a floating point number.

use proto::claim::Money;
use proto::currency;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Reads a code of ISO 4217, for an argument.
pub fn code(text: &str) -> Result<String, String> {
    currency::find(text).map(|_| text.to_owned()).map_err(|why| why.to_string())
}

/// Reads a price as `2.55` into minor units; says why if it is none.
pub fn minor_units(text: &str, currency: &str) -> Result<i64, String> {
    let digits = currency::find(currency).map_err(|why| why.to_string())?.digits;
    let minor =
        decimal(text)?.checked_mul(Decimal::from(10_i64.pow(digits))).ok_or_else(|| format!("{text:?} is too much"))?;
    if !minor.fract().is_zero() {
        let most = match digits {
            0 => "none".to_owned(),
            digits => format!("{digits}"),
        };
        return Err(format!("{text:?} has more digits behind the point than {currency} has, which is {most}"));
    }
    minor.to_i64().ok_or_else(|| format!("{text:?} is too much"))
}

/// Reads a number of digits with at the most one point.
pub fn decimal(text: &str) -> Result<Decimal, String> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = is_plain.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("{text:?} is not a price: digits and at the most one point, as 1234.56"))
}

/// An amount for people, as `12.50 GBP`.
pub fn show(money: Option<&Money>) -> String {
    money.map(|money| format!("{} {}", amount(money.minor_units, &money.currency), money.currency)).unwrap_or_default()
}

/// Minor units for people, as `12.50`. Those of a code that is not known stay what they are, and it is said.
pub fn amount(minor_units: i64, currency: &str) -> String {
    match currency::find(currency) {
        Ok(known) => Decimal::new(minor_units, known.digits).to_string(),
        Err(_) => format!("{minor_units} minor units of"),
    }
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
        for odd in ["2.555", "two", "", "-", "1_000", "1e3", "2,55", "1.2.3", "--1", "99999999999999999999"] {
            assert!(minor_units(odd, "GBP").is_err(), "{odd}");
        }
    }

    #[test]
    fn ff1_an_amount_has_the_digits_of_its_currency() {
        assert_eq!(minor_units("9899", "XOF"), Ok(9899));
        let shown = show(Some(&Money { minor_units: 9899, currency: "XOF".to_owned() }));
        assert_eq!(shown, "9899 XOF");
        let half = minor_units("5000.5", "XOF").unwrap_err();
        assert_eq!(half, "\"5000.5\" has more digits behind the point than XOF has, which is none");
        assert_eq!((minor_units("1.2345", "CLF"), minor_units("1.234", "KWD")), (Ok(12_345), Ok(1_234)));
        assert!(minor_units("1.2345", "KWD").is_err());
        assert_eq!((amount(12_345, "CLF"), amount(-5, "TND")), ("1.2345".to_owned(), "-0.005".to_owned()));
    }

    #[test]
    fn ff2_a_code_that_is_no_money_is_refused_by_name() {
        assert_eq!(minor_units("1", "QQQ"), Err("QQQ is no currency of ISO 4217".to_owned()));
        assert_eq!(code("XXX"), Err("XXX is a code of ISO 4217 for what is no money".to_owned()));
        assert_eq!((code("BGN"), code("XCG")), (Ok("BGN".to_owned()), Ok("XCG".to_owned())));
        assert_eq!(show(Some(&Money { minor_units: 1, currency: "QQQ".to_owned() })), "1 minor units of QQQ");
    }

    proptest! {
        #[test]
        fn an_amount_is_text_and_back(
            minor in -1_000_000_000_000_i64..1_000_000_000_000,
            currency in prop::sample::select(vec!["GBP", "XOF", "KWD", "CLF"]),
        ) {
            prop_assert_eq!(minor_units(&amount(minor, currency), currency), Ok(minor));
        }
    }
}
