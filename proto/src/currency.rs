//! Currencies: which codes of ISO 4217 are money, until when, and how many digits their amounts have behind the point.
//!
//! The table of codes and digits is that of `iso_currency`. It has no days, so [`WITHDRAWN`] says until when the codes of
//! the last years could be paid with: an old order may still be in one of them.

use iso_currency::Currency as Iso;
use jiff::civil::{Date, date};

/// Codes that are gone, their digits, and their last day as money.
const WITHDRAWN: [(&str, u32, Date); 11] = [
    ("ANG", 2, date(2025, 6, 30)),
    ("BGN", 2, date(2025, 12, 31)),
    ("BYR", 0, date(2016, 12, 31)),
    ("CUC", 2, date(2021, 6, 30)),
    ("HRK", 2, date(2022, 12, 31)),
    ("LTL", 2, date(2014, 12, 31)),
    ("MRO", 2, date(2017, 12, 31)),
    ("SLL", 2, date(2024, 3, 31)),
    ("STD", 2, date(2017, 12, 31)),
    ("VEF", 2, date(2018, 8, 19)),
    ("ZWL", 2, date(2024, 8, 31)),
];

/// A currency that amounts can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    /// Digits behind the point: an amount of minor units is divided by ten to the power of this.
    pub digits: u32,
    /// Its last day as money; none: it is in use.
    pub last_day: Option<Date>,
}

/// Why a code is no currency that amounts can be in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCurrency {
    /// Not the form of a code; the text is not repeated, as anything could be in it.
    #[error("must be an ISO 4217 code of three upper-case letters")]
    NotACode,
    /// No code of the table.
    #[error("{0} is no currency of ISO 4217")]
    Unknown(String),
    /// A code for what is no money: gold, tests, units of account, no currency.
    #[error("{0} is a code of ISO 4217 for what is no money")]
    NotMoney(String),
    /// Withdrawn before the day in question.
    #[error("{0} was withdrawn, its last day was {1}")]
    Withdrawn(String, Date),
}

/// Looks up a code. One that was withdrawn is found, with its last day.
pub fn find(code: &str) -> Result<Currency, NoCurrency> {
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(NoCurrency::NotACode);
    }
    if let Some((_, digits, last)) = WITHDRAWN.iter().find(|(withdrawn, ..)| *withdrawn == code) {
        return Ok(Currency { digits: *digits, last_day: Some(*last) });
    }
    let iso = Iso::from_code(code).ok_or_else(|| NoCurrency::Unknown(code.to_owned()))?;
    match iso.exponent() {
        Some(digits) if !iso.is_special() => Ok(Currency { digits: digits.into(), last_day: None }),
        _ => Err(NoCurrency::NotMoney(code.to_owned())),
    }
}

/// Looks up a code that must have been money on a day.
pub fn find_on(code: &str, day: Date) -> Result<Currency, NoCurrency> {
    let currency = find(code)?;
    match currency.last_day {
        Some(last) if last < day => Err(NoCurrency::Withdrawn(code.to_owned(), last)),
        _ => Ok(currency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of three letters that is found.
    fn all() -> Vec<(String, Currency)> {
        let letters = || 'A'..='Z';
        let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
        codes.filter_map(|code| find(&code).ok().map(|currency| (code, currency))).collect()
    }

    #[test]
    fn ff1_unusual_currencies_have_the_digits_of_iso_4217() {
        let digits = [
            (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
            (3, "BHD IQD JOD KWD LYD OMR TND"),
            (4, "CLF UYW"),
            (2, "GBP EUR USD CNY HUF MGA MRU XCD XCG ZWG VES VED"),
        ];
        for (digits, codes) in digits {
            for code in codes.split(' ') {
                assert_eq!(find(code), Ok(Currency { digits, last_day: None }), "{code}");
            }
        }
        // All others have two.
        let unusual: Vec<_> = all().into_iter().filter(|(_, it)| it.digits != 2).map(|(code, _)| code).collect();
        assert_eq!(unusual.len(), 17 + 7 + 2 + 1, "{unusual:?}");
        assert!(unusual.contains(&"BYR".to_owned()));
    }

    #[test]
    fn ff2_what_is_no_money_is_refused_by_name() {
        assert_eq!(find("QQQ").unwrap_err().to_string(), "QQQ is no currency of ISO 4217");
        for code in ["XXX", "XTS", "XAU", "XAG", "XDR", "XAD", "XSU", "XUA"] {
            assert_eq!(find(code), Err(NoCurrency::NotMoney(code.to_owned())));
        }
        for odd in ["", "gbp", "GB", "GBPP", "ÄÖ", "a person"] {
            assert_eq!(find(odd), Err(NoCurrency::NotACode), "{odd}");
        }
    }

    #[test]
    fn ff2_a_withdrawn_currency_is_for_old_orders_only() {
        assert_eq!(find_on("BGN", date(2025, 12, 31)).unwrap().digits, 2);
        let late = find_on("BGN", date(2026, 1, 1)).unwrap_err();
        assert_eq!(late.to_string(), "BGN was withdrawn, its last day was 2025-12-31");
        assert!(find_on("HRK", date(2023, 1, 1)).is_err());
        assert!(find_on("EUR", date(2199, 1, 1)).is_ok());
    }

    #[test]
    fn every_withdrawn_code_of_the_library_has_its_last_day() {
        // VES is called superseded by VED there, but both are codes in use.
        let gone = |code: &str| Iso::from_code(code).is_some_and(|iso| iso.is_superseded().is_some());
        for (code, currency) in all() {
            assert!(!gone(&code) || code == "VES" || currency.last_day.is_some(), "{code}");
        }
        assert!(all().len() > 160, "{}", all().len());
    }
}
