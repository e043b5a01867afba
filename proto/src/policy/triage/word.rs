//! Words of the contract, as they are written in a pack: `quality_performance` for `CATEGORY_QUALITY_PERFORMANCE`.

use std::fmt;

use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, Error};

use crate::claim::{BatchRule, Category, Department, LiabilityParty, Resolution, Role, Severity};
use crate::intake::{AccessPurpose, PersonalField};

/// A word of the contract; never the unspecified one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word<E>(pub E);

macro_rules! words {
    ($($name:ident, $prefix:literal, $what:literal;)*) => {$(
        impl<'de> Deserialize<'de> for Word<$name> {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                let known = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                $name::from_str_name(&format!("{}{}", $prefix, text.to_ascii_uppercase()))
                    .filter(|word| known && *word != $name::Unspecified)
                    .map(Self)
                    .ok_or_else(|| D::Error::custom(format!("`{text}` is not a {}", $what)))
            }
        }

        impl fmt::Display for Word<$name> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.as_str_name().trim_start_matches($prefix).to_ascii_lowercase())
            }
        }
    )*};
}

words! {
    Category, "CATEGORY_", "category";
    Severity, "SEVERITY_", "severity";
    LiabilityParty, "LIABILITY_PARTY_", "liability party";
    Department, "DEPARTMENT_", "department";
    Resolution, "RESOLUTION_", "resolution";
    Role, "ROLE_", "role";
    BatchRule, "BATCH_RULE_", "batch rule";
    AccessPurpose, "ACCESS_PURPOSE_", "purpose";
    PersonalField, "PERSONAL_FIELD_", "piece of personal data";
}

/// Reads the IANA name of a time zone.
pub(super) fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(from)?;
    TimeZone::get(&name).map_err(|_| D::Error::custom(format!("`{name}` is not a time zone")))
}
