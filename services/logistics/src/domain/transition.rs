//! How a parcel moves. Carriers skip steps, repeat them and send them late.

use super::{Direction, Status};

/// What a reported state is, seen from the state a parcel is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It goes there.
    Ahead,
    /// It has been there, or is further: recorded, nothing changes.
    Behind,
    /// It cannot go there.
    Illegal,
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
    match from {
        Booked | Packed => Move::Ahead,
        HandedOver if matches!(to, Packed) => Move::Behind,
        HandedOver => Move::Ahead,
        InTransit | Delayed if matches!(to, Packed | HandedOver) => Move::Behind,
        // Late and under way take turns, so only the carrier's clock tells which of them is the news.
        InTransit | Delayed if is_older && matches!(to, InTransit | Delayed) => Move::Behind,
        InTransit | Delayed => Move::Ahead,
        Delivered if matches!(to, Damaged | Lost | Refused) => Move::Illegal,
        Delivered => Move::Behind,
        // Damaged goods that a customer sends back still arrive, and are counted.
        Damaged if direction == Direction::Return && to == Delivered => Move::Ahead,
        // It was not lost after all.
        Lost if to == Delivered => Move::Ahead,
        Damaged | Lost | Refused if matches!(to, Packed | HandedOver | InTransit | Delayed) => Move::Behind,
        Damaged | Lost | Refused => Move::Illegal,
        Cancelled if matches!(to, Packed) => Move::Behind,
        Cancelled | NotServed => Move::Illegal,
    }
}
