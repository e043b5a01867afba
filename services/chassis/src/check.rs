//! Validation at the edge: every bad field of a request is named in one error, before anything is stored.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use proto::claim::{self, Money};
use proto::currency::{self, NoCurrency};
use proto::job::NUMBERS;
use proto::{Enumeration, Job, WireTime, Word, codes};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use uuid::Uuid;

mod contact;

/// As many as a page may have.
const IDS_MAX: usize = 500;

/// Greatest amount that is accepted, in minor units.
const MONEY_MAX: i64 = 10_000_000_000_000;

/// Bytes of paths and descriptions that an error tells: it travels in a header, and clients read 16 KiB of headers at
/// the most. What is left out is counted in the metadata, as `more`.
const TOLD_BYTES_MAX: usize = 6 * 1024;

/// What is said of letters that deceive (SR34).
const DECEIVES: &str = "must not have letters that cannot be seen, turn the direction of the text or end a line";

/// Collects the violations of one request. Each check gives a value to go on with; [`Check::finish`] fails if any was bad.
#[derive(Debug, Default)]
pub struct Check {
    violations: Vec<FieldViolation>,
}

impl Check {
    /// No violations yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a violation.
    pub fn add(&mut self, field: &str, description: &str) {
        self.violations.push(FieldViolation::new(field, description));
    }

    /// Fails with INVALID_ARGUMENT and every violation, if there is any.
    pub fn finish(self) -> Result<(), Status> {
        if self.violations.is_empty() {
            return Ok(());
        }
        let all = self.violations.len();
        let mut bytes = 0;
        let fits = |violation: &FieldViolation| {
            bytes += violation.field.len() + violation.description.len() + 8;
            bytes <= TOLD_BYTES_MAX
        };
        let told: Vec<_> = self.violations.into_iter().take_while(fits).collect();
        let mut metadata = HashMap::new();
        if all > told.len() {
            metadata.insert("more".to_owned(), (all - told.len()).to_string());
        }
        let mut details = ErrorDetails::with_error_info("MALFORMED", crate::status::domain(), metadata);
        details.set_bad_request(told);
        Err(Status::with_error_details(Code::InvalidArgument, "the request has bad fields", details))
    }

    /// One of two fields, and not the other; gives whether it is the first.
    pub fn either(&mut self, first: (&str, &str), second: (&str, &str)) -> bool {
        if first.1.is_empty() == second.1.is_empty() {
            let description = format!("either {} or {} must be given", first.0, second.0);
            self.add(first.0, &description);
            self.add(second.0, &description);
        }
        !first.1.is_empty()
    }

    /// The request id: a UUID in its canonical spelling.
    pub fn request_id(&mut self, value: &str) -> Uuid {
        self.uuid("request_id", value)
    }

    /// A UUID in its canonical spelling.
    pub fn uuid(&mut self, field: &str, value: &str) -> Uuid {
        proto::ids::parse(value).unwrap_or_else(|_| {
            self.add(field, "must be a UUID of 36 lower-case characters");
            Uuid::nil()
        })
    }

    /// An id of ours.
    pub fn id<I: FromStr + From<Uuid>>(&mut self, field: &str, value: &str) -> I {
        I::from(self.uuid(field, value))
    }

    /// A list of UUIDs, at most 500; empty: none are asked for.
    pub fn ids(&mut self, field: &str, values: &[String]) -> Vec<Uuid> {
        self.count(field, values.len(), 0..=IDS_MAX);
        let ids = values.iter().take(IDS_MAX).enumerate();
        ids.map(|(at, value)| self.uuid(&format!("{field}[{at}]"), value)).collect()
    }

    /// One line of text, as a name: no control characters, and nothing that turns directions, ends lines or cannot be seen;
    /// joiners may be in it.
    pub fn text(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        self.line(field, value, length);
        if value.chars().any(|letter| codes::deceives(letter) && !codes::joins(letter)) {
            self.add(field, DECEIVES);
        }
        value.to_owned()
    }

    fn line(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) {
        self.length(field, value, length);
        if value.chars().any(char::is_control) {
            self.add(field, "must not have control characters");
        }
    }

    /// Text of several lines: no control characters but tab and line feed.
    pub fn prose(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        self.length(field, value, length);
        if value.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n')) {
            self.add(field, "must not have control characters other than tab and line feed");
        }
        value.to_owned()
    }

    /// A code: letters, digits, dot, underscore, hyphen.
    pub fn token(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        self.length(field, value, length);
        if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
            self.add(field, "may have A-Z, a-z, 0-9, dot, underscore and hyphen only");
        }
        value.to_owned()
    }

    /// A customer's reference, as it is kept; empty if there is none and `optional`.
    pub fn customer_ref(&mut self, field: &str, value: &str, optional: bool) -> String {
        if optional && value.is_empty() {
            return String::new();
        }
        let seen = !value.chars().any(codes::deceives);
        codes::customer_ref(value).filter(|_| seen).unwrap_or_else(|| {
            let before = self.violations.len();
            self.length(field, value, 1..=64);
            if self.violations.len() == before {
                self.add(field, if seen { codes::CUSTOMER_REF } else { DECEIVES });
            }
            String::new()
        })
    }

    /// A code of somebody else, as an order number: one line that is no mail address and no telephone number. Codes are kept
    /// and told outside of the vault. What looks like one code is one: nothing in it turns directions or cannot be seen.
    pub fn code(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        self.seen(field, value);
        self.reachless(field, value);
        self.line(field, value, length);
        value.to_owned()
    }

    /// A code as [`code`](Self::code), in the spelling in which it is kept. It is looked at as it came: what nobody sees is
    /// refused, not dropped.
    pub fn spelled(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        self.seen(field, value);
        let tidy = codes::tidy(value);
        self.reachless(field, &tidy);
        self.line(field, &tidy, length);
        tidy
    }

    /// One line of somebody at work, kept outside of the vault as a code is, and written as a [`text`](Self::text).
    pub fn remark(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        self.reachless(field, value);
        self.text(field, value, length)
    }

    fn seen(&mut self, field: &str, value: &str) {
        if value.chars().any(codes::deceives) {
            self.add(field, DECEIVES);
        }
    }

    fn reachless(&mut self, field: &str, value: &str) {
        if contact::is_in(value) {
            self.add(field, "must be a code, not a mail address or a telephone number");
        }
    }

    /// Words of somebody at work, kept outside of the vault: several lines without mail addresses and telephone numbers.
    pub fn note(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        if contact::is_in(value) {
            self.add(field, "must not have a mail address or a telephone number: those belong into the contact");
        }
        self.prose(field, value, length)
    }

    fn length(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) {
        if !length.contains(&value.chars().count()) {
            self.add(field, &format!("must have {} to {} characters", length.start(), length.end()));
        }
    }

    /// A number in a range.
    pub fn number<N: PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        field: &str,
        value: N,
        range: RangeInclusive<N>,
    ) -> N {
        if !range.contains(&value) {
            self.add(field, &format!("must be {} to {}", range.start(), range.end()));
        }
        value
    }

    /// The number of entries of a list.
    pub fn count(&mut self, field: &str, count: usize, range: RangeInclusive<usize>) {
        if !range.contains(&count) {
            self.add(field, &format!("must have {} to {} entries", range.start(), range.end()));
        }
    }

    /// A word of an enumeration, given.
    pub fn choice<W: Word + TryFrom<i32>>(&mut self, field: &str, value: i32) -> W {
        if value == 0 {
            self.add(field, "must be given");
        }
        self.optional_choice(field, value).unwrap_or(W::ALL[0])
    }

    /// A word of an enumeration; `None` if nothing was said.
    pub fn optional_choice<W: Word + TryFrom<i32>>(&mut self, field: &str, value: i32) -> Option<W> {
        let word = W::try_from(value).ok();
        if word.is_none() && value != 0 {
            self.add(field, "is not a known value");
        }
        word
    }

    /// As [`Self::optional_choice`], as it travels: unspecified if nothing was said.
    pub fn optional_wire<E: Enumeration + Default>(&mut self, field: &str, value: i32) -> E {
        self.optional_choice::<E::Word>(field, value).map_or_else(E::default, E::from)
    }

    /// The name of a piece of work, under `field`.
    pub fn job(&mut self, field: &str, wire: Option<&claim::Job>) -> Job {
        let nobody = claim::Job::default();
        if wire.is_none() {
            self.add(field, "must be given");
        }
        let wire = wire.inspect(|wire| {
            self.uuid(&format!("{field}.claim_id"), &wire.claim_id);
            for (part, number) in [("round", wire.round), ("line", wire.line), ("attempt", wire.attempt)] {
                self.number(&format!("{field}.{part}"), number, NUMBERS);
            }
        });
        // A bad one was noted above and does not pass.
        let none = Job { claim: Uuid::nil().into(), round: 0, line: 0, attempt: 0 };
        Job::try_from(wire.unwrap_or(&nobody)).unwrap_or(none)
    }

    /// A day as YYYY-MM-DD; empty: none.
    pub fn date(&mut self, field: &str, value: &str) -> Option<Date> {
        if value.is_empty() {
            return None;
        }
        let date =
            value.parse::<Date>().ok().filter(|date| date.to_string() == value && (1970..=2200).contains(&date.year()));
        if date.is_none() {
            self.add(field, "must be a day as YYYY-MM-DD between 1970 and 2200");
        }
        date
    }

    /// A point in time, given, between 1970 and 2200: every database and every format can keep it.
    pub fn time(&mut self, field: &str, value: Option<&WireTime>) -> Option<Timestamp> {
        let time = value.and_then(proto::from_wire);
        if time.is_none() {
            self.add(field, "must be given and be a point in time between 1970 and 2200");
        }
        time
    }

    /// An amount of money, given and not negative.
    pub fn money(&mut self, field: &str, value: Option<&Money>) -> Money {
        let Some(money) = value else {
            self.add(field, "must be given");
            return Money::default();
        };
        self.number(&format!("{field}.minor_units"), money.minor_units, 0..=MONEY_MAX);
        if let Err(why) = currency::find(&money.currency) {
            self.add(&format!("{field}.currency"), &why.to_string());
        }
        money.clone()
    }

    /// A given amount of money as [`money`](Self::money), of a day on which its currency was in use.
    pub fn money_of(&mut self, field: &str, value: Option<&Money>, day: Option<Date>) -> Money {
        let money = self.money(field, value);
        if let Some(day) = day
            && let Err(why @ NoCurrency::Withdrawn(..)) = currency::find_on(&money.currency, day)
        {
            self.add(&format!("{field}.currency"), &why.to_string());
        }
        money
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_bad_field_is_named_at_once() {
        let mut check = Check::new();
        check.request_id("1");
        check.text("name", "a\u{0}b", 1..=2);
        check.token("sku", "a b", 1..=64);
        check.number("quantity", 0_u32, 1..=5);
        check.date("day", "2026-02-30");
        check.money("price", Some(&Money { minor_units: -1, currency: "gbp".to_owned() }));
        let status = check.finish().unwrap_err();
        let details = status.get_error_details();
        let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            fields,
            ["request_id", "name", "name", "sku", "quantity", "day", "price.minor_units", "price.currency"]
        );
        assert_eq!(details.error_info().unwrap().reason, "MALFORMED");
    }

    #[test]
    fn ff2_an_amount_in_no_money_is_refused_by_name() {
        let amount = |currency: &str| Money { minor_units: 1, currency: currency.to_owned() };
        let mut check = Check::new();
        for code in ["QQQ", "XXX", "BGN", "XOF"] {
            check.money(code, Some(&amount(code)));
        }
        for day in [date(2025, 12, 31), date(2026, 1, 1)] {
            check.money_of(&day.to_string(), Some(&amount("BGN")), Some(day));
        }
        let status = check.finish().unwrap_err();
        let details = status.get_error_details();
        let told = details.bad_request().unwrap().field_violations.iter();
        let told: Vec<_> = told.map(|told| format!("{} {}", told.field, told.description)).collect();
        assert_eq!(
            told,
            [
                "QQQ.currency QQQ is no currency of ISO 4217",
                "XXX.currency XXX is a code of ISO 4217 for what is no money",
                "2026-01-01.currency BGN was withdrawn, its last day was 2025-12-31",
            ]
        );
    }

    #[test]
    fn an_error_fits_into_the_headers_of_an_answer() {
        let mut check = Check::new();
        for at in 0..5_000 {
            check.token(&format!("lines[{at}].sku"), "", 1..=64);
        }
        let status = check.finish().unwrap_err();
        let details = status.get_error_details();
        let told = details.bad_request().unwrap().field_violations.len();
        assert!(told > 50, "{told}");
        assert_eq!(details.error_info().unwrap().metadata["more"], (5_000 - told).to_string());
        assert!(status.details().len() < 10_000, "{}", status.details().len());
    }

    #[test]
    fn only_possible_times_are_taken() {
        let mut check = Check::new();
        assert!(check.time("at", Some(&WireTime { seconds: 1_780_000_000, nanos: 999_999_999 })).is_some());
        let odd = [(0, -1), (0, 1_000_000_000), (-62_167_219_200, 0), (i64::MAX, 0), (i64::MIN, 0)];
        for (seconds, nanos) in odd {
            assert!(check.time("at", Some(&WireTime { seconds, nanos })).is_none(), "{seconds} {nanos}");
        }
        assert!(check.time("at", None).is_none());
        assert!(check.finish().is_err());
    }

    #[test]
    fn sr34_no_code_has_a_letter_that_cannot_be_seen_and_no_name_turns_directions() {
        let letters = ['\u{202e}', '\u{200f}', '\u{200b}', '\u{2028}', '\u{2029}', '\u{ad}', '\u{feff}', '\u{2066}'];
        for letter in letters.into_iter().chain(['\u{200c}', '\u{200d}', '\u{fe0f}']) {
            let mut check = Check::new();
            let text = format!("AB{letter}1");
            check.code("code", &text, 1..=64);
            check.spelled("spelled", &text, 1..=64);
            check.customer_ref("customer", &text, true);
            check.text("name", &text, 1..=64);
            let details = check.finish().unwrap_err().get_error_details();
            let told: Vec<_> =
                details.bad_request().unwrap().field_violations.iter().map(|v| v.field.clone()).collect();
            let name = letters.contains(&letter).then_some("name");
            let expected: Vec<&str> = ["code", "spelled", "customer"].into_iter().chain(name).collect();
            assert_eq!(told, expected, "{letter:?}");
        }
        let mut check = Check::new();
        assert_eq!(check.spelled("code", " ＡＢ－1 ", 1..=64), "AB-1");
        check.finish().unwrap();
    }

    #[test]
    fn good_fields_pass() {
        let mut check = Check::new();
        assert_eq!(check.text("name", "Łódź", 1..=4), "Łódź");
        assert_eq!(check.prose("story", "a\n\tb", 0..=4), "a\n\tb");
        assert_eq!(check.date("day", ""), None);
        check.finish().unwrap();
    }
}
