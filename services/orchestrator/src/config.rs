//! The settings that only the orchestrator has.

use std::fmt;

use anyhow::ensure;
use chassis::settings::{Own, Sections};
use serde::Deserialize;

use crate::claim_process::FORMAT;

/// What the bootstrap reads for the orchestrator.
pub const OWN: Own =
    Own { sections: &["process"], read: |sections| Ok(Box::new(Config::read(sections)?) as Box<dyn fmt::Debug>) };

/// The settings that only the orchestrator has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The process of a claim.
    pub process: Process,
}

/// The process of a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Process {
    /// Newest stored form that is written, 1 or 2. A replica of 0.1 reads the first only: 2 when none is left. Until then a
    /// plan whose lines have legs of their own is parked.
    pub form: i16,
}

impl Default for Process {
    fn default() -> Self {
        Self { form: 1 }
    }
}

impl Config {
    /// Reads and checks them.
    pub fn read(sections: &Sections) -> anyhow::Result<Self> {
        let config: Self = sections.read()?;
        ensure!((1..=FORMAT).contains(&config.process.form), "process.form is 1 or {FORMAT}");
        Ok(config)
    }
}
