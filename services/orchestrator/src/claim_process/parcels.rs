//! Parcels on their way to and from the customer, and what they do to the other legs of the line.

use jiff::civil::Date;

use super::strand::Answer;
use super::*;

pub(super) fn learn(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) -> Answer {
    let Strand { state, leg, purpose, .. } = line.strands[at];
    let outbound = leg == Leg::Shipment;
    if purpose == Purpose::Surplus {
        return surplus::learn(line, at, news, turn);
    }
    match (news, state) {
        (_, At::Failed(Failure::Lost)) if news.is_delivery() => found(line, at, turn),
        // What was counted here was not collected there.
        (_, At::Failed(Failure::Refused)) if outbound && news.is_delivery() && !surplus::came_back(line, at) => {
            found(line, at, turn);
        }
        (Parcel::DeliveredIncomplete, At::Done) if outbound => return found_incomplete(line, at, turn),
        (Parcel::Refused, At::Done) if outbound => {
            return if undo::comes_by_itself(line, at, turn) { Answer::Moved } else { Answer::Stay };
        }
        _ => return under_way(line, at, news, turn),
    }
    Answer::Moved
}

/// A parcel that was asked for, and has not come to its end.
fn under_way(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) -> Answer {
    let state = line.strands[at].state;
    let under_way = matches!(state, At::Asked | At::Booked | At::HandedOver);
    if !under_way && state != At::Undoing {
        return Answer::Stay;
    }
    match (news, state) {
        (Parcel::Delayed(_) | Parcel::Incident(..), At::Undoing) => return Answer::Stay,
        (Parcel::Delayed(day), _) => return delayed(line, at, day, turn),
        (Parcel::Incident(incident, number), _) => return happened(line, at, incident, number, turn),
        (Parcel::Cancelled, At::Undoing) => turn.put(line, at, At::Undone),
        // Nobody asked for it.
        (Parcel::Cancelled | Parcel::CancelRefused, _) if under_way => return Answer::Broken,
        (Parcel::Cancelled, _) => return Answer::Stay,
        (Parcel::Booked, At::Asked) => {
            turn.put(line, at, At::Booked);
            turn.notify(line, at, booked(line, at));
        }
        (Parcel::BookingFailed, At::Asked) => {
            turn.put_and_open_task(line, at, At::Failed(Failure::NotBookable));
        }
        // Voiding is answered besides.
        (Parcel::Booked | Parcel::BookingFailed, _) => return Answer::Stay,
        (Parcel::HandedOver | Parcel::Damaged, At::HandedOver) if line.strands[at].leg == Leg::Pickup => {
            return Answer::Stay;
        }
        (Parcel::HandedOver, At::HandedOver) => return Answer::Stay,
        (Parcel::HandedOver | Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete, _)
        | (Parcel::Damaged | Parcel::Lost | Parcel::Refused | Parcel::CancelRefused, _) => {
            line.strands[at].held = None;
            if line.strands[at].leg == Leg::Shipment {
                goods_left(line, turn);
                shipment(line, at, news, turn);
            } else {
                pickup(line, at, news, turn);
            }
        }
    }
    Answer::Moved
}

/// What the customer is told of a booking.
fn booked(line: &Line, at: usize) -> Notice {
    match line.strands[at].leg {
        Leg::Pickup => Notice::CollectionBooked,
        Leg::Entitlement | Leg::Reservation | Leg::Shipment | Leg::Receipt | Leg::Settlement | Leg::Support => {
            if line.losses > 0 { Notice::SentAgain } else { Notice::DayMoved }
        }
    }
}

fn delayed(line: &mut Line, at: usize, day: Option<Date>, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    if strand.late && (day.is_none() || day == strand.day) {
        return Answer::Stay;
    }
    (strand.late, strand.day, strand.held) = (true, day, None);
    turn.note(line, at, "DELAYED");
    if line.strands[at].leg == Leg::Shipment {
        turn.notify(line, at, Notice::DeliveryDelayed);
    }
    Answer::Moved
}

/// Something happened that changes no state: what holds the parcel, and what the customer must know or do.
fn happened(line: &mut Line, at: usize, incident: Incident, number: u32, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    let outbound = strand.leg == Leg::Shipment;
    if number <= strand.incidents {
        return Answer::Stay;
    }
    strand.incidents = number;
    // Who was not there, or has the goods at a pick-up point, is us: the department is told.
    let (held, notice) = match incident {
        Incident::Attempted if outbound => (None, Some(Notice::DeliveryAttempted)),
        Incident::ToCollect if outbound => (Some(incident), Some(Notice::GoodsToCollect)),
        Incident::NobodyThere | Incident::NotReady if !outbound => (Some(incident), Some(Notice::CollectionMissed)),
        Incident::CustomsHold => (Some(incident), None),
        Incident::Confirmed if outbound => (strand.held, Some(Notice::DayMoved)),
        Incident::Confirmed => (None, Some(Notice::CollectionBooked)),
        Incident::GoesOn => (None, None),
        Incident::Attempted | Incident::ToCollect | Incident::NobodyThere | Incident::NotReady => return Answer::Moved,
        Incident::Incomplete => return Answer::Stay,
    };
    strand.held = held;
    turn.note(line, at, incident.reason());
    if let Some(notice) = notice {
        turn.notify(line, at, notice);
    }
    Answer::Moved
}

/// The goods have left the house: they are not in stock any more.
pub(super) fn goods_left(line: &mut Line, turn: &mut Turn) {
    if let Some(at) = line.find(Leg::Reservation)
        && line.strands[at].state == At::Held
    {
        turn.put_and_ask(line, at, At::Consuming);
    }
}

/// A parcel has left us, and this came of it.
fn shipment(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) {
    let undoing = line.strands[at].state == At::Undoing;
    match news {
        Parcel::HandedOver | Parcel::CancelRefused if undoing => undo::bring_back(line, at, turn),
        Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete if undoing => {
            undo::bring_back(line, at, turn);
        }
        Parcel::HandedOver => {
            turn.put(line, at, At::HandedOver);
            turn.notify(line, at, Notice::GoodsShipped);
        }
        Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete => {
            delivered(line, at, news, turn);
        }
        Parcel::Damaged | Parcel::Lost => {
            may_turn_up(line, at);
            if undoing {
                turn.put(line, at, At::Undone);
            } else {
                lost(line, at, turn);
            }
        }
        Parcel::Refused => {
            may_turn_up(line, at);
            turn.notify(line, at, Notice::GoodsGoBack);
            if undoing {
                turn.put(line, at, At::Undone);
            } else {
                turn.put_and_open_task(line, at, At::Failed(Failure::Refused));
            }
            undo::expect_back(line, at, turn);
        }
        Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed(_) | Parcel::Incident(..) => {}
        Parcel::Cancelled | Parcel::CancelRefused => {}
    }
}

/// The goods are there: the customer has what was promised, and is told.
fn delivered(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) {
    turn.give(line);
    turn.notify(line, at, Notice::GoodsDelivered);
    if news == Parcel::DeliveredIncomplete {
        line.strands[at].held = Some(Incident::Incomplete);
        turn.put_and_open_task(line, at, At::Failed(Failure::Incomplete));
        return;
    }
    if news == Parcel::DeliveredDamaged {
        turn.note(line, at, "DELIVERED_DAMAGED");
    }
    turn.put(line, at, At::Done);
}

/// It turned out later that not all of it was there: a person is asked, once, unless it comes back anyway.
fn found_incomplete(line: &mut Line, at: usize, turn: &mut Turn) -> Answer {
    let comes_back = Purpose::BringBack { shipment: line.strands[at].attempt };
    if line.strands[at].held == Some(Incident::Incomplete) || line.find_for(Leg::Receipt, comes_back).is_some() {
        return Answer::Stay;
    }
    line.strands[at].held = Some(Incident::Incomplete);
    turn.put_and_open_task(line, at, At::Failed(Failure::Incomplete));
    Answer::Moved
}

/// Carriers find what they lost, repack what was damaged, and learn late that it was collected.
fn may_turn_up(line: &mut Line, at: usize) {
    let attempt = line.strands[at].attempt;
    line.lost.push(attempt);
}

/// The goods are sent again, a few times; then a person decides.
fn lost(line: &mut Line, at: usize, turn: &mut Turn) {
    line.losses += 1;
    if line.losses > LOSSES_MAX {
        turn.put_and_open_task(line, at, At::Failed(Failure::Lost));
        return;
    }
    // The customer is told when it is known on which day the others come.
    turn.put(line, at, At::Failed(Failure::Lost));
    legs::again(line, at, Failure::Lost);
}

/// A parcel has arrived after all while a person was asked what to do: nothing need be decided any more, and what was
/// to come back comes no more.
fn found(line: &mut Line, at: usize, turn: &mut Turn) {
    turn.close_task(line, at);
    turn.put(line, at, At::Done);
    if line.strands[at].leg == Leg::Shipment {
        let attempt = line.strands[at].attempt;
        line.lost.retain(|lost| *lost != attempt);
        surplus::expect_no_more(line, attempt, turn);
        turn.give(line);
        turn.notify(line, at, Notice::GoodsDelivered);
    }
}

/// A parcel has left the customer, and this came of it. Damage is counted by the warehouse.
fn pickup(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) {
    let undoing = line.strands[at].state == At::Undoing;
    match news {
        // It goes back to the customer: that is what was wanted.
        Parcel::Refused if undoing => turn.put(line, at, At::Undone),
        Parcel::HandedOver | Parcel::Damaged | Parcel::Lost | Parcel::CancelRefused if undoing => {
            undo::collected(line, at, turn);
        }
        Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete if undoing => {
            undo::collected(line, at, turn);
        }
        Parcel::HandedOver | Parcel::Damaged => turn.put(line, at, At::HandedOver),
        Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete => turn.put(line, at, At::Done),
        Parcel::Lost => turn.put_and_open_task(line, at, At::Failed(Failure::Lost)),
        Parcel::Refused => turn.put_and_open_task(line, at, At::Failed(Failure::Refused)),
        Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed(_) | Parcel::Incident(..) => {}
        Parcel::Cancelled | Parcel::CancelRefused => {}
    }
}
