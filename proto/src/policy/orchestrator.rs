//! Rules of orchestrator.

use serde::Deserialize;

use super::Problems;

/// Section `[orchestrator]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orchestrator {}

impl Orchestrator {
    pub(super) fn check(&self, _problems: &mut Problems) {}
}
