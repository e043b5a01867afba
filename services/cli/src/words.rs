//! The words of the contract as people write them: `ROLE_SUPERVISOR` is `supervisor`.

use proto::claim::{
    BatchRule, Category, Channel, ClaimState, Department, LegState, LiabilityParty, Resolution, ReturnReason, Role,
    Severity, WaitingFor,
};
use proto::escalation::{ClockKind, ClockState, Ruling, WorkKind};
use proto::intake::{
    AccessPurpose, ContactDirection, ErasureReason, EvidenceAudience, EvidenceMetadata, HoldReason, PersonalField,
};
use proto::inventory::{Disposition, MovementKind, ReservationState, ReturnState, Zone};
use proto::logistics::{DeliveryMode, Direction, ShipmentState, TrackingReason};
use proto::orchestrator::SettlementState;
use proto::triage::LineKind;

/// An enumeration of the contract.
pub trait Word: Copy + Default + PartialEq + TryFrom<i32> {
    /// Name in the contract.
    fn name(self) -> &'static str;

    /// The value of a name in the contract.
    fn named(name: &str) -> Option<Self>;

    /// What every name of the enumeration begins with.
    fn prefix() -> &'static str {
        Self::default().name().trim_end_matches("UNSPECIFIED")
    }

    /// The word as people write it; empty for the unspecified one.
    fn plain(self) -> String {
        if self == Self::default() {
            return String::new();
        }
        self.name().trim_start_matches(Self::prefix()).to_lowercase()
    }
}

macro_rules! words {
    ($($name:ty),* $(,)?) => {$(
        impl Word for $name {
            fn name(self) -> &'static str {
                self.as_str_name()
            }

            fn named(name: &str) -> Option<Self> {
                Self::from_str_name(name)
            }
        }
    )*};
}

words!(
    AccessPurpose,
    BatchRule,
    Category,
    Channel,
    ClaimState,
    ClockKind,
    ClockState,
    ContactDirection,
    DeliveryMode,
    Department,
    Direction,
    Disposition,
    ErasureReason,
    EvidenceAudience,
    EvidenceMetadata,
    HoldReason,
    LegState,
    LiabilityParty,
    LineKind,
    MovementKind,
    PersonalField,
    ReservationState,
    Resolution,
    ReturnReason,
    ReturnState,
    Role,
    Ruling,
    SettlementState,
    Severity,
    ShipmentState,
    TrackingReason,
    WaitingFor,
    WorkKind,
    Zone,
    proto::claim::Leg,
);

/// The word of a number on the wire.
pub fn plain<W: Word>(number: i32) -> String {
    W::try_from(number).map_or_else(|_| number.to_string(), Word::plain)
}

/// Reads a word; says which there are if it is none of them.
pub fn parse<W: Word>(text: &str) -> Result<W, String> {
    let name = format!("{}{}", W::prefix(), text.to_uppercase().replace('-', "_"));
    W::named(&name).filter(|word| *word != W::default()).ok_or_else(|| {
        let words: Vec<String> = (1..64).map_while(|number| W::try_from(number).ok()).map(Word::plain).collect();
        format!("it is one of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_and_read() {
        assert_eq!(parse::<Role>("supervisor"), Ok(Role::Supervisor));
        assert_eq!(parse::<Resolution>("return-refund"), Ok(Resolution::ReturnRefund));
        assert_eq!(plain::<WaitingFor>(7), "finance");
        assert_eq!(plain::<WaitingFor>(0), "");
        assert_eq!(plain::<WaitingFor>(99), "99");
    }

    #[test]
    fn what_is_no_word_is_answered_with_the_words() {
        let error = parse::<Ruling>("maybe").unwrap_err();
        assert_eq!(error, "it is one of approve, deny, retry");
        assert!(parse::<Role>("unspecified").is_err());
    }
}
