//! Rules of logistics.

use serde::Deserialize;

use super::Problems;

/// Section `[logistics]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistics {}

impl Logistics {
    pub(super) fn check(&self, _problems: &mut Problems) {}
}
