//! Rules of logistics: which carriers there are, what they cost and how fast they are (S3-02, S4-39..41, S4-47).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Problems;

/// Section `[logistics]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistics {
    /// Every carrier with its contract rates.
    pub carriers: Vec<Carrier>,
}

/// A carrier in one delivery mode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    /// Name, unique in the pack.
    pub name: String,
    /// Delivery mode.
    pub mode: Mode,
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

/// Delivery mode (S4-39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Express courier.
    Express,
    /// Freight line.
    FreightLine,
    /// Dedicated vehicle.
    DedicatedVehicle,
}

impl Logistics {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(!self.carriers.is_empty(), "logistics.carriers", "there must be a carrier");
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
    }
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
        assert_eq!(error.problems[0].0, second, "{error}");
    }

    #[test]
    fn an_unknown_mode_is_refused() {
        let text = SUPPLY_CHAIN.replacen("mode = \"express\"", "mode = \"pigeon\"", 1);
        assert!(Pack::parse("pack.toml", &text).unwrap_err().to_string().contains("pigeon"));
    }
}
