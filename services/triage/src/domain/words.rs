//! The words that only this service needs.

use proto::Word;

/// What followed from a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// A plan.
    Judged,
    /// A refusal.
    Refused,
    /// A person decides.
    Person,
    /// A question to the customer.
    Question,
    /// It was taken back.
    Cancelled,
}

impl Word for EntryState {
    const ALL: &'static [Self] = &[Self::Judged, Self::Refused, Self::Person, Self::Question, Self::Cancelled];
    const WHAT: &'static str = "state of an assessment";

    fn word(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Refused => "refused",
            Self::Person => "person",
            Self::Question => "question",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether a work item waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// It waits.
    Open,
    /// A person decided.
    Decided,
    /// It was taken back.
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
