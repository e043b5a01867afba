//! Two parcels for one: what was lost, damaged or refused on the way arrives after all, and others are or were to be sent
//! in its place. What has not left is called off, the line is done; what has left already is for a person.

use super::leg::parcel::{Failure, Progress};
use super::leg::{Answer, reservation, shipment};
use super::*;

/// A parcel that was given up has arrived. Whether that is so, and the lines are changed.
pub(super) fn turned_up(process: &Process, lines: &mut [Line], job: Job, news: News, turn: &mut Turn) -> bool {
    let News::Parcel(parcel) = news else { return false };
    if job.leg != Leg::Shipment || job.round != process.round || !parcel.is_delivery() {
        return false;
    }
    let Some(line) = lines.iter_mut().find(|line| line.plan.line == job.line && line.lost.contains(&job.attempt))
    else {
        return false;
    };
    let Some(at) = line.find(Leg::Shipment).filter(|_| !counted(line, job.attempt)) else { return false };
    // A person is asked about this very parcel: then it is found.
    let asked = matches!(line.strands[at].state.parcel_failure(), Some(Failure::Lost | Failure::Refused));
    if asked && line.strands[at].attempt == job.attempt {
        return false;
    }
    line.lost.retain(|lost| *lost != job.attempt);
    let wanted = matches!(process.stage, Stage::Executing { .. });
    arrive(line, at, job.attempt, wanted, turn);
    true
}

/// The parcel `attempt` has arrived, whatever was sent in its place. If nothing is wanted any more, it is brought back.
fn arrive(line: &mut Line, at: usize, attempt: u16, wanted: bool, turn: &mut Turn) {
    let second = line.strands[at].clone();
    if second.state == At::Done {
        // The other one was there first.
        let first =
            Strand { attempt, last: attempt, purpose: Purpose::Surplus, ..Strand::new(Leg::Shipment, Purpose::Plan) };
        line.strands.push(first);
        let first = line.strands.len() - 1;
        turn.note(line, first, "TURNED_UP");
        expect_no_more(line, attempt, turn);
        turn.put_and_open_task(line, first, Failure::SentTwice.into());
        return;
    }
    let mut arrived = Strand { attempt, last: second.last, ..Strand::new(Leg::Shipment, Purpose::Plan) };
    if second.attempt != attempt {
        arrived.last = attempt;
        line.strands.push(Strand { purpose: Purpose::Surplus, ..second });
        give_up(line, line.strands.len() - 1, turn);
    }
    line.strands[at] = arrived;
    turn.note(line, at, "TURNED_UP");
    if wanted {
        expect_no_more(line, attempt, turn);
        turn.put(line, at, At::Done);
        turn.give(line);
        turn.notify(line, at, Notice::GoodsDelivered);
    } else {
        shipment::bring_back(line, at, turn);
    }
    stock_stays(line, turn);
}

/// What was to be sent in its place: called off, if it has not left.
fn give_up(line: &mut Line, at: usize, turn: &mut Turn) {
    let state = line.strands[at].state;
    match state {
        _ if state.is_callable_off() => turn.put_and_ask(line, at, At::Undoing),
        _ if state.parcel() == Some(Progress::HandedOver) => {
            turn.put_and_open_task(line, at, Failure::SentTwice.into());
        }
        At::Failed(_) => {
            turn.close_task(line, at);
            line.strands[at].state = At::Undone;
        }
        // It was called off already, and is not answered yet.
        At::Undoing => {}
        At::Idle | At::Asked | At::Working(_) | At::Done | At::Skipped | At::UndoFailed | At::Undone => {
            line.strands[at].state = At::Undone;
        }
    }
}

/// What was held, or asked for, to be sent again is not needed; unless it may be with the carrier already.
fn stock_stays(line: &mut Line, turn: &mut Turn) {
    let in_doubt = |strand: &Strand| strand.leg == Leg::Shipment && strand.state == At::Undoing;
    if line.strands.iter().any(in_doubt) {
        return;
    }
    reservation::stays(line, turn);
}

/// Whether the goods of a shipment have been counted here: whatever its carrier says, the customer has not got them.
pub(super) fn came_back(line: &Line, shipment: usize) -> bool {
    counted(line, line.strands[shipment].attempt)
}

fn counted(line: &Line, attempt: u16) -> bool {
    let receipt = line.find_for(Leg::Receipt, Purpose::BringBack { shipment: attempt });
    receipt.is_some_and(|at| line.strands[at].count.came() > 0)
}

/// What was to come back by itself has arrived instead.
pub(super) fn expect_no_more(line: &mut Line, attempt: u16, turn: &mut Turn) {
    if let Some(receipt) = line.find_for(Leg::Receipt, Purpose::BringBack { shipment: attempt })
        && line.strands[receipt].state == At::Asked
    {
        turn.put_and_ask(line, receipt, At::Undoing);
    }
}

/// News of a parcel that is not wanted any more.
pub(super) fn learn(line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) -> Answer {
    let state = line.strands[at].state;
    let asked = state == Failure::SentTwice.into();
    match (news, state) {
        (Parcel::Refused, At::Done) if shipment::comes_by_itself(line, at, turn) => return Answer::Moved,
        (_, At::Undoing) => {}
        (Parcel::Lost | Parcel::Damaged | Parcel::Refused, _) if asked => {}
        _ => return Answer::Stay,
    }
    match news {
        Parcel::Cancelled => {
            turn.put(line, at, At::Undone);
            stock_stays(line, turn);
        }
        Parcel::HandedOver | Parcel::CancelRefused | Parcel::Delivered => sent_twice(line, at, turn),
        Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete => sent_twice(line, at, turn),
        // The customer does not get two: nobody need decide anything.
        Parcel::Lost | Parcel::Damaged | Parcel::Refused => {
            reservation::goods_left(line, turn);
            if asked {
                turn.close_task(line, at);
            }
            turn.put(line, at, At::Undone);
            let attempt = line.strands[at].attempt;
            line.lost.push(attempt);
            if news == Parcel::Refused {
                shipment::expect_back(line, at, turn);
            }
        }
        Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed(_) | Parcel::Incident(..) => return Answer::Stay,
    }
    Answer::Moved
}

/// It has left: the customer gets two, and a person decides whether one is fetched back.
fn sent_twice(line: &mut Line, at: usize, turn: &mut Turn) {
    reservation::goods_left(line, turn);
    turn.put_and_open_task(line, at, Failure::SentTwice.into());
}
