//! The words that only this service needs, and what its rulings fit.

use proto::Word;
use proto::escalation::words::{Ruling, WorkKind};

/// State of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// It waits for somebody.
    Open,
    /// Everybody who was asked has approved.
    Granted,
    /// Somebody has denied.
    Denied,
    /// It was taken back, or another plan has taken its place.
    Cancelled,
}

impl Word for ApprovalState {
    const ALL: &'static [Self] = &[Self::Open, Self::Granted, Self::Denied, Self::Cancelled];
    const WHAT: &'static str = "state of an approval";

    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether a ruling answers what an item asks.
pub fn fits(ruling: Ruling, asked: WorkKind) -> bool {
    match asked {
        WorkKind::Approval | WorkKind::Support | WorkKind::ReturnMismatch => ruling != Ruling::Retry,
        WorkKind::LegFailed => ruling != Ruling::Approve,
        WorkKind::CompensationFailed => true,
        WorkKind::Escalation => ruling == Ruling::Approve,
    }
}
