//! Rules of inventory.

use serde::Deserialize;

use super::Problems;

/// Section `[inventory]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {}

impl Inventory {
    pub(super) fn check(&self, _problems: &mut Problems) {}
}
