//! Words of the contract, as they are written in a pack: `quality_performance` for `CATEGORY_QUALITY_PERFORMANCE`.

use std::fmt;

use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, Error};

use crate::Enumeration;

/// A word of the contract; never the unspecified one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word<E>(pub E);

impl<'de, E: Enumeration> Deserialize<'de> for Word<E> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::word::deserialize::<E::Word, D>(from).map(|word| Self(word.into()))
    }
}

impl<E: Enumeration + Into<i32>> fmt::Display for Word<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(E::Word::try_from(self.0.into()).map_or("", crate::Word::word))
    }
}

/// Reads the IANA name of a time zone.
pub(super) fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(from)?;
    TimeZone::get(&name).map_err(|_| D::Error::custom(format!("`{name}` is not a time zone")))
}
