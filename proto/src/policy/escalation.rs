//! Rules of escalation.

use serde::Deserialize;

use super::Problems;

/// Section `[escalation]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {}

impl Escalation {
    pub(super) fn check(&self, _problems: &mut Problems) {}
}
