//! Rules of intake.

use serde::Deserialize;

use super::Problems;

/// Section `[intake]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {}

impl Intake {
    pub(super) fn check(&self, _problems: &mut Problems) {}
}
