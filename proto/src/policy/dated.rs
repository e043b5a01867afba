//! The dated versions of a pack: which one is in force on a day, and which one a claim began with (S2-41).
//!
//! A version is in force from its `effective_from` until the next one begins, by days in the time zone of the company. A claim
//! keeps the version of the day on which it was received, so that nobody's rules change under an open claim.

mod folder;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub(super) use folder::is_pack;
pub use folder::{Chosen, read_folder};

use super::{Pack, PolicyError};

/// What each version of a pack says of something, oldest first.
#[derive(Clone, Debug)]
pub struct Dated<R> {
    name: String,
    zone: TimeZone,
    versions: Vec<Version<R>>,
}

/// All versions of the pack that a service goes by.
pub type Packs = Dated<Arc<Pack>>;

/// One version.
#[derive(Clone, Debug)]
pub struct Version<R> {
    /// Its number, from 1.
    pub number: u32,
    /// The first day on which it is in force.
    pub from: Date,
    /// The file that says it.
    pub file: String,
    /// What it says.
    pub rules: R,
}

/// A claim began with a version that is not loaded here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}@{number} is not loaded here")]
pub struct UnknownVersion {
    /// Name of the pack.
    pub name: String,
    /// Number of the version.
    pub number: u32,
}

impl UnknownVersion {
    /// Name and number, as `supply-chain@1`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.number)
    }
}

impl Packs {
    /// The versions of a pack: of the file, of the folder, or the shipped default. In a folder with several packs `name` says
    /// which one; the others are only there to be extended.
    pub fn load(path: Option<&Path>, name: Option<&str>) -> Result<Self, PolicyError> {
        match path {
            Some(folder) if folder.is_dir() => {
                let found = folder::choose(read_folder(folder)?, name)
                    .map_err(|why| PolicyError::one(&folder.display().to_string(), 0, why))?;
                folder::versions(found)
            }
            file => {
                let place = file.map_or_else(|| "supply-chain.toml".to_owned(), |file| file.display().to_string());
                Ok(Self::new(vec![(place, Pack::load(file)?)]))
            }
        }
    }

    /// At least one, oldest first.
    fn new(packs: Vec<(String, Pack)>) -> Self {
        let (name, zone) = (packs[0].1.name.clone(), packs[0].1.time_zone().clone());
        let version = |(file, pack): (String, Pack)| Version {
            number: pack.version,
            from: pack.effective_from,
            file,
            rules: Arc::new(pack),
        };
        Self { name, zone, versions: packs.into_iter().map(version).collect() }
    }
}

impl<R> Dated<R> {
    /// Rules by version and first day, oldest first; at least one.
    pub fn of(name: &str, zone: TimeZone, versions: impl IntoIterator<Item = (u32, Date, R)>) -> Self {
        let version = |(number, from, rules)| Version { number, from, file: String::new(), rules };
        Self { name: name.to_owned(), zone, versions: versions.into_iter().map(version).collect() }
    }

    /// What each version says of something else.
    pub fn map<S>(&self, of: impl Fn(&R) -> S) -> Dated<S> {
        let version =
            |it: &Version<R>| Version { number: it.number, from: it.from, file: it.file.clone(), rules: of(&it.rules) };
        Dated {
            name: self.name.clone(),
            zone: self.zone.clone(),
            versions: self.versions.iter().map(version).collect(),
        }
    }

    /// Name of the pack.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone in whose days versions begin.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The versions, oldest first.
    pub fn versions(&self) -> &[Version<R>] {
        &self.versions
    }

    /// The version of a claim; 0, as claims have that began before versions were kept: the oldest.
    pub fn of_claim(&self, number: u32) -> Result<&R, UnknownVersion> {
        let found = self.versions.iter().find(|version| number == 0 || version.number == number);
        found.map(|version| &version.rules).ok_or_else(|| UnknownVersion { name: self.name.clone(), number })
    }

    /// The version of a claim, or the newest where that one is not loaded: for what is only shown or read ahead.
    pub fn nearest(&self, number: u32) -> &R {
        self.of_claim(number).unwrap_or(&self.versions[self.versions.len() - 1].rules)
    }

    /// The day of now.
    pub fn day(&self, now: Timestamp) -> Date {
        self.zone.to_datetime(now).date()
    }

    /// The version that is in force: the newest that has begun, or the oldest if none has.
    pub fn in_force(&self, now: Timestamp) -> &Version<R> {
        self.on(self.day(now))
    }

    /// The version that is in force on a day.
    pub fn on(&self, day: Date) -> &Version<R> {
        let begun = self.versions.iter().rev().find(|version| version.from <= day);
        begun.unwrap_or(&self.versions[0])
    }

    /// All of them, as `supply-chain@1, @2 from 2027-01-01`.
    pub fn told(&self) -> String {
        let later = self.versions[1..].iter().map(|later| format!(", @{} from {}", later.number, later.from));
        self.label(0) + &later.collect::<String>()
    }

    /// The name and number of a version, as `supply-chain@1`; 0: the oldest.
    pub fn label(&self, number: u32) -> String {
        let number = if number == 0 { self.versions[0].number } else { number };
        format!("{}@{number}", self.name)
    }
}

#[cfg(test)]
mod tests;
