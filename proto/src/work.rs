//! Work items, as every service keeps them that has a work list.

use crate::Word;

/// State of a work item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// It waits for somebody.
    Open,
    /// Somebody has decided.
    Decided,
    /// It was taken off its list.
    Closed,
}

impl Word for ItemState {
    const ALL: &'static [Self] = &[Self::Open, Self::Decided, Self::Closed];
    const WHAT: &'static str = "state of a work item";

    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Closed => "closed",
        }
    }
}
