//! What the states of a claim have in common.

use crate::claim::ClaimState;

impl ClaimState {
    /// Whether nothing follows.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Closed | Self::Rejected | Self::Withdrawn | Self::Duplicate)
    }
}
