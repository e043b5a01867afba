//! Rules of logistics: which carriers there are, what they cost and how fast they are (S3-02, S4-39..41, S4-47).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Problems;
use super::triage::Word;
use crate::claim::{Category, Resolution};
use crate::logistics::words::DeliveryMode;

/// Section `[logistics]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistics {
    /// Days after which a late parcel is expected, if the carrier names none.
    pub late_days: u32,
    /// Every carrier with its contract rates.
    pub carriers: Vec<Carrier>,
    /// Kinds of technicians' visits; none: nobody is sent.
    #[serde(default)]
    pub visits: Vec<VisitKind>,
}

/// A kind of technician's visit (S4-49..51).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitKind {
    /// Its word, unique in the pack.
    pub kind: String,
    /// Resolutions of which it is a part: technical support is given by the visit, what is sent is installed.
    pub resolutions: BTreeSet<Word<Resolution>>,
    /// Categories of lines that it is for; none: all.
    #[serde(default)]
    pub categories: BTreeSet<Word<Category>>,
    /// Skills that whoever comes must have.
    #[serde(default)]
    pub skills: Vec<String>,
    /// Certificates that must be valid on the day of the visit.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// How long it takes; a multiple of 15.
    pub minutes: u32,
    /// Tools and material to be prepared.
    #[serde(default)]
    pub tools: Vec<String>,
    /// What must be checked before it is done.
    #[serde(default)]
    pub checklist: Vec<String>,
}

/// A carrier in one delivery mode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    /// Name, unique in the pack.
    pub name: String,
    /// Delivery mode (S4-39).
    pub mode: DeliveryMode,
    /// Countries it serves, ISO 3166-1 alpha-2; `*`: every country.
    pub countries: Vec<String>,
    /// Cost of a parcel in minor units of the pack's currency.
    pub base_minor: i64,
    /// Cost of each unit in it.
    pub per_unit_minor: i64,
    /// Days on the way.
    pub days: u32,
    /// Units it takes at the most.
    pub units_max: u32,
}

impl Logistics {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require((1..=60).contains(&self.late_days), "logistics.late_days", "must be 1 to 60");
        // A place that no carrier names is not forgotten by accident.
        let everywhere = |carrier: &Carrier| carrier.countries.iter().any(|country| country == "*");
        let covered = self.carriers.iter().any(everywhere);
        problems.require(covered, "logistics.carriers", "a carrier must serve \"*\", every country");
        let mut names = BTreeSet::new();
        for (at, carrier) in self.carriers.iter().enumerate() {
            let path = |key: &str| format!("logistics.carriers[{at}].{key}");
            problems.require(names.insert(&carrier.name), path("name"), "is the name of another carrier too");
            problems.require((1..=40).contains(&carrier.name.len()), path("name"), "must have 1 to 40 characters");
            problems.require(!carrier.countries.is_empty(), path("countries"), "must name a country, or \"*\"");
            let is_country =
                |text: &String| text == "*" || (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()));
            problems.require(
                carrier.countries.iter().all(is_country),
                path("countries"),
                "must be ISO codes, or \"*\"",
            );
            problems.require(
                (0..=10_000_000).contains(&carrier.base_minor),
                path("base_minor"),
                "must be 0 to 10000000",
            );
            let per_unit = (0..=1_000_000).contains(&carrier.per_unit_minor);
            problems.require(per_unit, path("per_unit_minor"), "must be 0 to 1000000");
            problems.require((1..=120).contains(&carrier.days), path("days"), "must be 1 to 120");
            problems.require((1..=10_000_000).contains(&carrier.units_max), path("units_max"), "must be 1 to 10000000");
        }
        self.check_visits(problems);
    }

    fn check_visits(&self, problems: &mut Problems) {
        let mut names = BTreeSet::new();
        for (at, visit) in self.visits.iter().enumerate() {
            let path = |key: &str| format!("logistics.visits[{at}].{key}");
            problems.require(names.insert(&visit.kind), path("kind"), "is the word of another kind too");
            problems.require(is_word(&visit.kind), path("kind"), WORD);
            problems.require(visit.skills.iter().all(|word| is_word(word)), path("skills"), WORD);
            problems.require(visit.certificates.iter().all(|word| is_word(word)), path("certificates"), WORD);
            let minutes = (15..=600).contains(&visit.minutes) && visit.minutes % 15 == 0;
            problems.require(minutes, path("minutes"), "must be 15 to 600, and a multiple of 15");
            let visited = [Resolution::TechnicalSupport, Resolution::Replace, Resolution::Resend];
            let fits = !visit.resolutions.is_empty() && visit.resolutions.iter().all(|word| visited.contains(&word.0));
            problems.require(fits, path("resolutions"), "must be some of technical_support, replace and resend");
        }
    }

    /// The kind of visit that is a part of a resolution for a category; none: nobody is sent.
    pub fn visit_for(&self, resolution: Resolution, category: Category) -> Option<&VisitKind> {
        self.visits.iter().find(|visit| {
            let of_category = visit.categories.is_empty() || visit.categories.contains(&Word(category));
            of_category && visit.resolutions.contains(&Word(resolution))
        })
    }
}

const WORD: &str = "must have 1 to 40 of A-Z, a-z, 0-9, dot, underscore and hyphen";

fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=40).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use crate::policy::{Pack, SUPPLY_CHAIN};

    #[test]
    fn a_carrier_that_is_named_twice_is_told_with_its_line() {
        let text = SUPPLY_CHAIN.replacen("name = \"milan-freight\"", "name = \"swift-express\"", 1);
        let error = Pack::parse("pack.toml", &text).unwrap_err();
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains("swift-express"));
        let second = lines.map(|(at, _)| at + 1).nth(1).unwrap();
        assert_eq!(error.problems.len(), 1, "{error}");
        assert_eq!(error.problems[0].line, second, "{error}");
    }

    #[test]
    fn days_of_a_late_parcel_out_of_bounds_are_told_with_their_line() {
        for bad in [0, 61] {
            let text = SUPPLY_CHAIN.replacen("late_days = 2", &format!("late_days = {bad}"), 1);
            let line = 1 + text.lines().position(|line| line.starts_with("late_days")).unwrap();
            let error = Pack::parse("pack.toml", &text).unwrap_err();
            assert_eq!(error.lines(), [(line, "logistics.late_days: must be 1 to 60".to_owned())]);
        }
    }

    #[test]
    fn an_unknown_mode_is_told_with_its_line() {
        let text = SUPPLY_CHAIN.replacen("mode = \"express\"", "mode = \"pigeon\"", 1);
        let line = 1 + text.lines().position(|line| line.contains("pigeon")).unwrap();
        let error = Pack::parse("pack.toml", &text).unwrap_err();
        assert_eq!(error.problems[0].line, line, "{error}");
        assert!(error.to_string().contains("pigeon"));
    }

    #[test]
    fn every_bad_value_of_a_carrier_is_told_with_its_line() {
        let carrier = SUPPLY_CHAIN.find("name = \"own-van\"").unwrap();
        let (before, own_van) = SUPPLY_CHAIN.split_at(carrier);
        for (key, good, bad) in [
            ("name", "\"own-van\"", "\"\""),
            ("countries", "[\"GB\"]", "[]"),
            ("countries", "[\"GB\"]", "[\"gb\"]"),
            ("base_minor", "6000", "-1"),
            ("per_unit_minor", "1", "1000001"),
            ("days", "2", "0"),
            ("units_max", "10000000", "0"),
        ] {
            let text = before.to_owned() + &own_van.replacen(&format!("{key} = {good}"), &format!("{key} = {bad}"), 1);
            let error = Pack::parse("pack.toml", &text).unwrap_err();
            let place = before.len() + text[before.len()..].find(&format!("{key} = ")).unwrap();
            let line = 1 + text[..place].matches('\n').count();
            assert_eq!(error.problems.len(), 1, "{error}");
            assert_eq!(error.problems[0].line, line, "{error}");
            assert!(error.problems[0].reason.starts_with(&format!("logistics.carriers[2].{key}: ")), "{error}");
        }
    }

    #[test]
    fn a_pack_must_have_a_carrier_for_every_country() {
        let text = SUPPLY_CHAIN.replace("countries = [\"*\"]", "countries = [\"GB\"]");
        let error = Pack::parse("pack.toml", &text).unwrap_err();
        assert_eq!(error.problems.len(), 1, "{error}");
        assert!(error.problems[0].reason.starts_with("logistics.carriers: "), "{error}");
        assert_ne!(error.problems[0].line, 0, "{error}");
    }
}
