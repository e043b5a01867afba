//! Parcels on their way to and from the customer, and what they do to the other legs of the line.

use proto::claim::LegState;

use super::strand::Answer;
use super::*;

pub(super) fn learn(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) -> Answer {
    let state = line.strands[at].state;
    if (news, state) == (Parcel::Delivered, At::Failed(Failure::Lost)) {
        found(line, at, turn);
        return Answer::Moved;
    }
    let under_way = matches!(state, At::Asked | At::Booked | At::HandedOver);
    if !under_way && state != At::Undoing {
        return Answer::Stay;
    }
    match (news, state) {
        (Parcel::Delayed, At::Undoing) => return Answer::Stay,
        (Parcel::Delayed, _) => return delayed(line, at, turn),
        (Parcel::Cancelled, At::Undoing) => turn.put(line, at, At::Undone),
        // Nobody asked for it.
        (Parcel::Cancelled | Parcel::CancelRefused, _) if under_way => return Answer::Broken,
        (Parcel::Cancelled, _) => return Answer::Stay,
        (Parcel::Booked, At::Asked) => {
            turn.put(line, at, At::Booked);
            if line.strands[at].leg == Leg::Pickup {
                turn.notify(line, at, Notice::CollectionBooked);
            }
        }
        (Parcel::BookingFailed, At::Asked) => {
            turn.put_and_open_task(line, at, At::Failed(Failure::NotBookable));
        }
        // Voiding is answered besides.
        (Parcel::Booked | Parcel::BookingFailed, _) => return Answer::Stay,
        (Parcel::HandedOver | Parcel::Damaged, At::HandedOver) if line.strands[at].leg == Leg::Pickup => {
            return Answer::Stay;
        }
        (Parcel::HandedOver, At::HandedOver) if !planted(Mistake::AskTwice) => return Answer::Stay,
        (Parcel::HandedOver | Parcel::Delivered | Parcel::Damaged | Parcel::Lost | Parcel::Refused, _)
        | (Parcel::CancelRefused, _) => {
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

fn delayed(line: &mut Line, at: usize, turn: &mut Turn) -> Answer {
    if line.strands[at].late {
        return Answer::Stay;
    }
    line.strands[at].late = true;
    let moved = Fact::LegMoved {
        job: turn.job(line, at),
        state: LegState::Progressed,
        detail: "DELAYED",
        quantity: line.units(),
    };
    turn.commands.push(Command::Announce(moved));
    if line.strands[at].leg == Leg::Shipment {
        turn.notify(line, at, Notice::DeliveryDelayed);
    }
    Answer::Moved
}

/// The goods have left the house: they are not in stock any more.
fn goods_left(line: &mut Line, turn: &mut Turn) {
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
        Parcel::HandedOver | Parcel::Delivered | Parcel::CancelRefused if undoing => undo::bring_back(line, at, turn),
        Parcel::HandedOver => {
            turn.put(line, at, At::HandedOver);
            turn.notify(line, at, Notice::GoodsShipped);
        }
        Parcel::Delivered => {
            turn.put(line, at, At::Done);
            turn.give(line);
        }
        Parcel::Damaged | Parcel::Lost if undoing => turn.put(line, at, At::Undone),
        Parcel::Damaged | Parcel::Lost => {
            if news == Parcel::Lost {
                let attempt = line.strands[at].attempt;
                line.lost.push(attempt);
            }
            lost(line, at, turn);
        }
        Parcel::Refused => {
            if undoing {
                turn.put(line, at, At::Undone);
            } else {
                turn.put_and_open_task(line, at, At::Failed(Failure::Refused));
            }
            undo::expect_back(line, at, turn);
        }
        Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed | Parcel::Cancelled | Parcel::CancelRefused => {}
    }
}

/// The goods are sent again, a few times; then a person decides.
fn lost(line: &mut Line, at: usize, turn: &mut Turn) {
    line.losses += 1;
    if line.losses > LOSSES_MAX {
        turn.put_and_open_task(line, at, At::Failed(Failure::Lost));
        return;
    }
    turn.put(line, at, At::Failed(Failure::Lost));
    turn.notify(line, at, Notice::DeliveryDelayed);
    legs::again(line, at, Failure::Lost);
}

/// A lost parcel has arrived while a person was asked what to do: nothing need be decided any more.
fn found(line: &mut Line, at: usize, turn: &mut Turn) {
    turn.close_task(line, at);
    turn.put(line, at, At::Done);
    if line.strands[at].leg == Leg::Shipment {
        let attempt = line.strands[at].attempt;
        line.lost.retain(|lost| *lost != attempt);
        turn.give(line);
    }
}

/// A lost parcel has arrived although others were sent in its place: the lines after it, and the note in the timeline.
/// What the customer now has twice is for people to settle; logistics tells its department.
pub(super) fn turned_up(process: &Process, lines: &[Line], job: Job, news: News) -> Option<(Vec<Line>, Command)> {
    if (job.leg, news) != (Leg::Shipment, News::Parcel(Parcel::Delivered)) || job.round != process.round {
        return None;
    }
    let at = lines.iter().position(|line| line.plan.line == job.line && line.lost.contains(&job.attempt))?;
    let shipment = lines[at].find(Leg::Shipment).map(|shipment| &lines[at].strands[shipment])?;
    if shipment.attempt == job.attempt && shipment.state == At::Failed(Failure::Lost) {
        return None;
    }
    let mut lines = lines.to_vec();
    lines[at].lost.retain(|lost| *lost != job.attempt);
    let quantity = lines[at].units();
    let note = Fact::LegMoved { job, state: LegState::Progressed, detail: "TURNED_UP", quantity };
    Some((lines, Command::Announce(note)))
}

/// A parcel has left the customer, and this came of it. Damage is counted by the warehouse.
fn pickup(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) {
    let undoing = line.strands[at].state == At::Undoing;
    match news {
        // It goes back to the customer: that is what was wanted.
        Parcel::Refused if undoing => turn.put(line, at, At::Undone),
        Parcel::HandedOver | Parcel::Damaged | Parcel::Delivered | Parcel::Lost | Parcel::CancelRefused if undoing => {
            undo::collected(line, at, turn);
        }
        Parcel::HandedOver | Parcel::Damaged => turn.put(line, at, At::HandedOver),
        Parcel::Delivered => turn.put(line, at, At::Done),
        Parcel::Lost => turn.put_and_open_task(line, at, At::Failed(Failure::Lost)),
        Parcel::Refused => turn.put_and_open_task(line, at, At::Failed(Failure::Refused)),
        Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed | Parcel::Cancelled | Parcel::CancelRefused => {}
    }
}
