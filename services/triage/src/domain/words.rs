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
