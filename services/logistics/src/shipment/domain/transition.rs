//! How a parcel moves. Carriers skip steps, repeat them, send them late, and report what is no step at all.

use super::{Direction, Shipment, Sighting, Status, TrackingReason, reason};

/// What a reported event is, seen from the parcel as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It goes there.
    Ahead,
    /// It stays where it is, and something else is the reason.
    News,
    /// It has been there, or is further: recorded, nothing changes.
    Behind,
    /// Recorded, and nothing changes for the claim; people should know of it.
    Noted,
    /// It is back with its sender.
    Back,
    /// No carrier can mean that.
    Illegal,
}

/// What a reported event is, seen from the parcel as it is.
pub fn seen(shipment: &Shipment, sighting: &Sighting) -> Move {
    let is_older = shipment.moved_at.is_some_and(|moved_at| sighting.at < moved_at);
    let tried = sighting.reason.is_some_and(reason::is_of_pickup);
    let here = shipment.status == sighting.state || (tried && shipment.status == Status::Packed);
    if here && !is_older {
        return here_again(shipment, sighting);
    }
    match next(shipment.key.direction, shipment.status, sighting.state, is_older) {
        Move::News if shipment.reason == Some(TrackingReason::DeliveredDamaged) => Move::Behind,
        found @ (Move::Ahead | Move::News | Move::Behind | Move::Noted | Move::Back | Move::Illegal) => found,
    }
}

/// An event of the state that the parcel is in: news if it says why, and that is another reason than before.
fn here_again(shipment: &Shipment, sighting: &Sighting) -> Move {
    let is_later = shipment.moved_at.is_none_or(|moved_at| sighting.at > moved_at);
    let other = sighting.reason != shipment.reason || sighting.held_until != shipment.held_until;
    let new_day = sighting.expected_on.is_some() && sighting.expected_on != shipment.expected_on;
    let is_news = match (shipment.status, sighting.reason) {
        (Status::Refused, Some(TrackingReason::ReturnedToSender)) if other => return Move::Back,
        (Status::Booked | Status::Packed | Status::InTransit | Status::Delayed | Status::Delivered, Some(reason)) => {
            other || new_day || (reason::is_a_try(reason) && is_later)
        }
        // What held it is over.
        (Status::InTransit, None) => shipment.reason.is_some() && is_later,
        (Status::Delayed, None) => new_day,
        (Status::Booked | Status::Packed | Status::HandedOver | Status::Delivered, _) => false,
        (Status::Damaged | Status::Lost | Status::Refused | Status::Cancelled | Status::NotServed, _) => false,
    };
    if is_news { Move::News } else { Move::Behind }
}

/// What a reported state is, seen from the state a parcel is in. `is_older`: the carrier saw it before what led to
/// the present state.
pub fn next(direction: Direction, from: Status, to: Status, is_older: bool) -> Move {
    use Status::{
        Booked, Cancelled, Damaged, Delayed, Delivered, HandedOver, InTransit, Lost, NotServed, Packed, Refused,
    };
    if matches!(to, Booked) || from == to {
        return Move::Behind;
    }
    // Only we call a parcel off, and only the choice of a carrier says that nobody serves a place.
    if matches!(to, Cancelled | NotServed) {
        return Move::Illegal;
    }
    let home = direction == Direction::Return;
    match (from, to) {
        (Booked | Packed, _) => Move::Ahead,
        (HandedOver, Packed) => Move::Behind,
        (HandedOver, _) => Move::Ahead,
        (InTransit | Delayed, Packed | HandedOver) => Move::Behind,
        // Late and under way take turns, so only the carrier's clock tells which of them is the news.
        (InTransit | Delayed, InTransit | Delayed) if is_older => Move::Behind,
        (InTransit | Delayed, _) => Move::Ahead,
        // Whatever it was before, it is there.
        (Delivered, _) if is_older => Move::Behind,
        // Damage that is found later is evidence.
        (Delivered, Damaged) => Move::News,
        (Delivered, Lost | Refused) => Move::Noted,
        // It was repacked, or was not lost: it is there after all. What comes back to us damaged is counted.
        (Damaged | Lost, Delivered) => Move::Ahead,
        (Damaged, Lost | Refused) if home => Move::Ahead,
        // What counts as lost comes back to us.
        (Damaged | Lost, Refused) => Move::Noted,
        // Carriers say so of a parcel that is with its sender again.
        (Refused, Delivered) => Move::Back,
        (Refused, Damaged | Lost) => Move::Noted,
        (Delivered | Damaged | Lost | Refused, _) => Move::Behind,
        (Cancelled, Packed) => Move::Behind,
        (Cancelled | NotServed, _) => Move::Illegal,
    }
}
