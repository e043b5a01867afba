//! The settings that only intake has.

use std::fmt;
use std::path::PathBuf;

use chassis::settings::{Own, Sections};
use jiff::SignedDuration;
use serde::Deserialize;

pub use crate::evidence::Settings as Evidence;

/// What the bootstrap reads for intake.
pub const OWN: Own = Own {
    sections: &["admission", "canary", "customers", "evidence", "vault"],
    read: |sections| Ok(Box::new(Config::read(sections)?) as Box<dyn fmt::Debug>),
};

/// The settings that only intake has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How much is let in when there is too much.
    pub admission: Admission,
    /// Canary claims.
    pub canary: Canary,
    /// How much one customer may bring.
    pub customers: Customers,
    /// Evidence files.
    pub evidence: Evidence,
    /// The vault of personal data.
    pub vault: Vault,
}

/// How much is let in when there is too much.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admission {
    /// Longest that claims may wait until the process begins them; then no more are let in than begin.
    pub begun_within: SignedDuration,
    /// Claims that the process is told of before it has begun them; with so many, the others wait with intake (until none
    /// has begun for a second, and three seconds in a round at most), and what is begun is finished first. Lanes remember a
    /// thousand claims. More where the process begins thousands of claims a second.
    pub ahead: u32,
}

/// Claims that intake submits to itself, with marked data, to see that claims get through (P54).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Canary {
    /// Time between two, as `1m`; none: there are no canaries.
    pub every: Option<SignedDuration>,
}

/// How much one customer may bring within 24 hours by own calls. What staff and systems of the shop report or upload on
/// behalf of a customer is neither limited nor counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Customers {
    /// Claims that a customer may report within 24 hours, whatever becomes of them.
    pub claims_per_day: u32,
    /// Bytes of evidence files that a customer may upload within 24 hours, as they are stored.
    pub evidence_bytes_per_day: u64,
    /// Reads of own personal data within 24 hours: each is on record for ever.
    pub reads_per_day: u32,
}

/// The vault of personal data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// File with the keys that wrap the keys of customers: one a line, its name and 64 hexadecimal digits, as
    /// `2026a 9f…`. The first wraps, all unwrap. Nothing works without it.
    pub key_file: Option<PathBuf>,
}

impl Default for Admission {
    fn default() -> Self {
        Self { begun_within: SignedDuration::from_millis(500), ahead: 128 }
    }
}

impl Default for Customers {
    fn default() -> Self {
        Self { claims_per_day: 20, evidence_bytes_per_day: 200 << 20, reads_per_day: 200 }
    }
}

impl Config {
    /// Reads and checks the settings.
    pub fn read(sections: &Sections) -> anyhow::Result<Self> {
        let config: Self = sections.read()?;
        config.admission.check()?;
        config.canary.check()?;
        config.evidence.check()?;
        config.customers.check(config.evidence.file_bytes)?;
        Ok(config)
    }
}

impl Admission {
    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=1_000_000).contains(&self.ahead), "admission.ahead must be 1 to 1000000");
        let least = SignedDuration::from_millis(100);
        anyhow::ensure!(self.begun_within >= least, "admission.begun_within must be 100 ms or more");
        Ok(())
    }
}

impl Canary {
    fn check(&self) -> anyhow::Result<()> {
        let times = SignedDuration::from_secs(1)..=SignedDuration::from_hours(24);
        let fits = self.every.is_none_or(|every| times.contains(&every));
        anyhow::ensure!(fits, "canary.every must be 1 s to 24 h");
        Ok(())
    }
}

impl Customers {
    fn check(&self, file_bytes: u64) -> anyhow::Result<()> {
        for (key, value) in [("claims_per_day", self.claims_per_day), ("reads_per_day", self.reads_per_day)] {
            anyhow::ensure!((1..=1_000_000).contains(&value), "customers.{key} must be 1 to 1000000");
        }
        let bytes = (file_bytes..=1 << 40).contains(&self.evidence_bytes_per_day);
        anyhow::ensure!(
            bytes,
            "customers.evidence_bytes_per_day must hold one file at least, and be 1 TiB at the most"
        );
        Ok(())
    }
}
