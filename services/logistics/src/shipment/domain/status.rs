//! Where a parcel is: the states of the contract, and one that is never shown.

use proto::logistics::words::ShipmentState;
use proto::{Word, logistics};

/// Where a parcel is. The same list is a CHECK in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Booked with the carrier.
    Booked,
    /// Picked, checked and packed.
    Packed,
    /// Handed over, or collected from the customer.
    HandedOver,
    /// Under way.
    InTransit,
    /// Late, still under way.
    Delayed,
    /// Delivered.
    Delivered,
    /// Damaged on the way.
    Damaged,
    /// Lost.
    Lost,
    /// Refused by the receiver.
    Refused,
    /// Called off before it was handed over.
    Cancelled,
    /// No carrier serves the place: there is no waybill, and nobody is shown it.
    NotServed,
}

/// How the table spells that no carrier serves the place.
const NOT_SERVED: &str = "not_served";

impl Status {
    /// As callers are shown it; `None`: they are not.
    pub fn shown(self) -> Option<ShipmentState> {
        Some(match self {
            Self::Booked => ShipmentState::Booked,
            Self::Packed => ShipmentState::Packed,
            Self::HandedOver => ShipmentState::HandedOver,
            Self::InTransit => ShipmentState::InTransit,
            Self::Delayed => ShipmentState::Delayed,
            Self::Delivered => ShipmentState::Delivered,
            Self::Damaged => ShipmentState::Damaged,
            Self::Lost => ShipmentState::Lost,
            Self::Refused => ShipmentState::Refused,
            Self::Cancelled => ShipmentState::Cancelled,
            Self::NotServed => return None,
        })
    }

    /// The number on the wire.
    pub fn number(self) -> i32 {
        self.shown().map_or(0, i32::from)
    }

    /// The spelling of the table.
    pub fn word(self) -> &'static str {
        self.shown().map_or(NOT_SERVED, ShipmentState::word)
    }

    /// Reads the spelling of the table.
    pub fn from_word(text: &str) -> Option<Self> {
        if text == NOT_SERVED { Some(Self::NotServed) } else { ShipmentState::from_word(text).map(Self::from) }
    }
}

/// The name in the contract, as errors tell it.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(logistics::ShipmentState::try_from(self.number()).unwrap_or_default().as_str_name())
    }
}

impl From<ShipmentState> for Status {
    fn from(shown: ShipmentState) -> Self {
        match shown {
            ShipmentState::Booked => Self::Booked,
            ShipmentState::Packed => Self::Packed,
            ShipmentState::HandedOver => Self::HandedOver,
            ShipmentState::InTransit => Self::InTransit,
            ShipmentState::Delayed => Self::Delayed,
            ShipmentState::Delivered => Self::Delivered,
            ShipmentState::Damaged => Self::Damaged,
            ShipmentState::Lost => Self::Lost,
            ShipmentState::Refused => Self::Refused,
            ShipmentState::Cancelled => Self::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_the_state_that_it_is() {
        for state in ShipmentState::ALL.iter().copied() {
            let status = Status::from(state);
            assert_eq!((status.shown(), Status::from_word(status.word())), (Some(state), Some(status)));
        }
        assert_eq!(Status::from_word(NOT_SERVED), Some(Status::NotServed));
        assert_eq!(Status::NotServed.number(), 0);
    }
}
