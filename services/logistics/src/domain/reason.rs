//! Why a parcel is where it is: what carriers report beside a state, and which states it goes with.

use super::Status;

/// Why a parcel is where it is. The same list is a CHECK in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Delivery was tried and nobody was there.
    DeliveryAttempted,
    /// It waits at a pick-up point until a day.
    HeldForCollection,
    /// Customs want a paper.
    CustomsHold,
    /// On its way back to its sender.
    ReturningToSender,
    /// Back with its sender.
    ReturnedToSender,
    /// Nobody collected it.
    NotCollected,
    /// Accepted, damaged.
    DeliveredDamaged,
    /// Not all of it came.
    DeliveredIncomplete,
    /// Destroyed.
    Destroyed,
    /// The carrier came to fetch it, and nobody was there.
    PickupNobodyThere,
    /// The carrier came to fetch it, and it was not ready.
    PickupNotReady,
    /// The promised day has passed: we noticed it ourselves.
    Overdue,
}

impl Reason {
    /// Whether a carrier may report it with a state.
    pub fn fits(self, state: Status) -> bool {
        match self {
            Self::DeliveryAttempted | Self::HeldForCollection | Self::CustomsHold => {
                matches!(state, Status::InTransit | Status::Delayed)
            }
            Self::ReturningToSender | Self::ReturnedToSender | Self::NotCollected => state == Status::Refused,
            Self::DeliveredDamaged | Self::DeliveredIncomplete => state == Status::Delivered,
            Self::Destroyed => state == Status::Lost,
            Self::PickupNobodyThere | Self::PickupNotReady => state == Status::Booked,
            Self::Overdue => false,
        }
    }

    /// It happens again and again, and each time it is news.
    pub fn is_a_try(self) -> bool {
        match self {
            Self::DeliveryAttempted | Self::PickupNobodyThere | Self::PickupNotReady => true,
            Self::HeldForCollection | Self::CustomsHold | Self::ReturningToSender | Self::ReturnedToSender => false,
            Self::NotCollected | Self::DeliveredDamaged | Self::DeliveredIncomplete | Self::Destroyed => false,
            Self::Overdue => false,
        }
    }

    /// The parcel goes no further until somebody does something.
    pub fn holds(self) -> bool {
        match self {
            Self::HeldForCollection | Self::CustomsHold | Self::PickupNobodyThere | Self::PickupNotReady => true,
            Self::DeliveryAttempted | Self::ReturningToSender | Self::ReturnedToSender | Self::NotCollected => false,
            Self::DeliveredDamaged | Self::DeliveredIncomplete | Self::Destroyed | Self::Overdue => false,
        }
    }

    /// The carrier came in vain to fetch it.
    pub fn is_of_pickup(self) -> bool {
        self.fits(Status::Booked)
    }
}
