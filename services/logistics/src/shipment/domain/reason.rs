//! What follows from why a parcel is where it is.

use super::{Status, TrackingReason};

/// Whether a carrier may report it with a state.
pub fn fits(reason: TrackingReason, state: Status) -> bool {
    match reason {
        TrackingReason::DeliveryAttempted | TrackingReason::HeldForCollection | TrackingReason::CustomsHold => {
            matches!(state, Status::InTransit | Status::Delayed)
        }
        TrackingReason::ReturningToSender | TrackingReason::ReturnedToSender | TrackingReason::NotCollected => {
            state == Status::Refused
        }
        TrackingReason::DeliveredDamaged | TrackingReason::DeliveredIncomplete => state == Status::Delivered,
        TrackingReason::Destroyed => state == Status::Lost,
        TrackingReason::PickupNobodyThere | TrackingReason::PickupNotReady => state == Status::Booked,
        TrackingReason::Overdue => false,
    }
}

/// It happens again and again, and each time it is news.
pub fn is_a_try(reason: TrackingReason) -> bool {
    reason == TrackingReason::DeliveryAttempted || is_of_pickup(reason)
}

/// The parcel goes no further until somebody does something.
pub fn holds(reason: TrackingReason) -> bool {
    matches!(reason, TrackingReason::HeldForCollection | TrackingReason::CustomsHold) || is_of_pickup(reason)
}

/// The carrier came in vain to fetch it.
pub fn is_of_pickup(reason: TrackingReason) -> bool {
    fits(reason, Status::Booked)
}
