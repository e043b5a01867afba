//! Rules of triage.

use serde::Deserialize;

use super::Problems;

/// Section `[triage]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triage {}

impl Triage {
    pub(super) fn check(&self, _problems: &mut Problems) {}
}
