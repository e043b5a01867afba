//! Settings that only one service has: sections of its own, as types of its own.

use std::fmt;

use anyhow::Context as _;
use config::{Map, Value};
use serde::de::DeserializeOwned;

/// What a service reads of the configuration beside what every service has.
#[derive(Clone, Copy)]
pub struct Own {
    /// Its sections.
    pub sections: &'static [&'static str],
    /// Reads them and says what is wrong; what it gives is printed by `check`, so its secrets are secret types.
    pub read: fn(&Sections) -> anyhow::Result<Box<dyn fmt::Debug>>,
}

impl Own {
    /// A service with no settings of its own.
    pub const NONE: Self = Self { sections: &[], read: |_| Ok(Box::new(())) };
}

/// The sections of a service's own, as they were given. They may hold secrets, so they are not printed.
#[derive(Clone, Default)]
pub struct Sections(Map<String, Value>);

impl Sections {
    /// Takes the named sections out of a table.
    pub(super) fn take(names: &[&str], table: &mut Map<String, Value>) -> Self {
        Self(names.iter().filter_map(|name| table.remove_entry(*name)).collect())
    }

    /// The sections as a type, with defaults for what is not given.
    pub fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        let table = Value::new(None, config::ValueKind::Table(self.0.clone()));
        table.try_deserialize().context("the configuration is wrong")
    }
}

impl fmt::Debug for Sections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
