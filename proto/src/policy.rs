//! The policy pack: every open parameter of the rules, as data.
//!
//! A pack is a TOML file, perhaps one that extends another and says only what differs. It is read whole and validated at
//! start: an unknown key, a missing value, an overlapping band or a gap in a matrix is an error with file, line and reason,
//! and the service does not start. Each service has a section of its own; the calendars of escalation are everybody's.
//! Several dated versions of a pack are loaded side by side.

pub mod contacts;
mod dated;
pub mod escalation;
pub mod four_eyes;
pub mod intake;
pub mod inventory;
pub mod logistics;
pub mod orchestrator;
mod problems;
pub mod retention;
mod sources;
pub mod triage;
pub mod work;

use std::path::Path;

use serde::Deserialize;

use crate::currency;
pub use dated::{Chosen, Dated, Packs, UnknownVersion, Version, read_folder};
pub use problems::{PolicyError, Problem, Problems};
pub use sources::Said;
use sources::Sources;

/// The pack that ships as default: S0, goods supply chain.
pub const SUPPLY_CHAIN: &str = include_str!("../../deploy/policies/supply-chain.toml");

/// A company that sells tiles from a warehouse (S1); extends the default.
pub const TILE_WAREHOUSE: &str = include_str!("../../deploy/policies/tile-warehouse.toml");

/// The packs that ship, by name: what another one can extend without a file beside it.
pub const SHIPPED: [(&str, &str); 2] = [("supply-chain", SUPPLY_CHAIN), ("tile-warehouse", TILE_WAREHOUSE)];

/// A policy pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Name of the pack, as `supply-chain`.
    pub name: String,
    /// Version of the pack, from 1; recorded with every plan (S2-41).
    pub version: u32,
    /// First day the pack is in force.
    pub effective_from: jiff::civil::Date,
    /// Currency of every amount in the pack, ISO 4217.
    pub currency: String,
    /// Who may not do what another did.
    pub four_eyes: four_eyes::FourEyes,
    /// Who does what waits for a person.
    pub work: work::Work,
    /// Who reads personal data.
    pub contacts: contacts::Contacts,
    /// How long what is over is kept.
    pub retention: retention::Retention,
    /// Rules of intake.
    pub intake: intake::Intake,
    /// Rules of triage.
    pub triage: triage::Triage,
    /// Rules of inventory.
    pub inventory: inventory::Inventory,
    /// Rules of logistics.
    pub logistics: logistics::Logistics,
    /// Rules of escalation.
    pub escalation: escalation::Escalation,
    /// Rules of the orchestrator.
    pub orchestrator: orchestrator::Orchestrator,
}

impl Pack {
    /// Reads the pack in `file`, or the shipped default when no file is given.
    pub fn load(file: Option<&Path>) -> Result<Self, PolicyError> {
        Self::resolve(&sources(file)?)
    }

    /// Reads and validates the text of a pack; `file` names it in errors. It can extend what ships.
    pub fn parse(file: &str, text: &str) -> Result<Self, PolicyError> {
        Self::resolve(&Sources::read(file, text, None)?)
    }

    /// Every value of the pack in `file` (none: the shipped default), with the file and line that said it.
    pub fn said(file: Option<&Path>) -> Result<Vec<Said>, PolicyError> {
        sources(file)?.said()
    }

    fn resolve(sources: &Sources) -> Result<Self, PolicyError> {
        let pack: Self = sources.value()?;
        let mut problems = Problems::default();
        pack.check(&mut problems);
        problems.finish(sources)?;
        Ok(pack)
    }

    /// The zone in which days are meant.
    pub fn time_zone(&self) -> &jiff::tz::TimeZone {
        &self.triage.time_zone
    }

    /// The name and version, as `supply-chain@1`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    fn check(&self, problems: &mut Problems) {
        if self.name.is_empty() || self.name.len() > 40 {
            problems.add("name", "must have 1 to 40 characters");
        }
        if self.version == 0 {
            problems.add("version", "begins at 1");
        }
        if let Err(why) = currency::find_on(&self.currency, self.effective_from) {
            problems.add("currency", why.to_string());
        }
        self.four_eyes.check(problems);
        self.work.check(problems);
        self.contacts.check(problems);
        self.retention.check(problems);
        self.intake.check(problems);
        self.triage.check(problems, &self.currency, &self.escalation.calendars);
        self.inventory.check(problems);
        self.logistics.check(problems);
        self.escalation.check(problems, self.effective_from);
        self.orchestrator.check(problems);
    }
}

fn sources(file: Option<&Path>) -> Result<Sources, PolicyError> {
    let Some(path) = file else { return Sources::read("supply-chain.toml", SUPPLY_CHAIN, None) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| PolicyError::one(&name, 0, error.to_string()))?;
    Sources::read(&name, &text, Some(path.parent().unwrap_or(Path::new(""))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_pack_is_valid() {
        let pack = Pack::load(None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pack.name, "supply-chain");
    }

    #[test]
    fn an_unknown_key_is_told_with_its_line() {
        let text = SUPPLY_CHAIN.replacen("version = 1", "version = 1\nverzion = 2", 1);
        let error = Pack::parse("pack.toml", &text).unwrap_err();
        let line = 1 + text.lines().position(|line| line.starts_with("verzion")).unwrap();
        assert!(error.to_string().contains(&format!("pack.toml:{line}: ")), "{error}");
        assert!(error.to_string().contains("verzion"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_told_with_its_line() {
        let text = SUPPLY_CHAIN.replacen("version = 1", "version = 0", 1);
        let error = Pack::parse("pack.toml", &text).unwrap_err();
        let line = 1 + text.lines().position(|line| line.starts_with("version")).unwrap();
        assert_eq!(error.lines(), [(line, "version: begins at 1".to_owned())]);
    }

    #[test]
    fn ff2_a_currency_that_is_none_is_told_with_its_line() {
        for (code, why) in [
            ("GPB", "GPB is no currency of ISO 4217"),
            ("XXX", "XXX is a code of ISO 4217 for what is no money"),
            ("BGN", "BGN was withdrawn, its last day was 2025-12-31"),
        ] {
            let text = SUPPLY_CHAIN.replacen("currency = \"GBP\"", &format!("currency = \"{code}\""), 1);
            let error = Pack::parse("pack.toml", &text).unwrap_err();
            let line = 1 + text.lines().position(|line| line.starts_with("currency")).unwrap();
            assert_eq!(error.lines(), [(line, format!("currency: {why}"))]);
        }
    }
}
