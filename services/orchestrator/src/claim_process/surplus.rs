//! Two parcels for one: what was lost, damaged or refused on the way arrives after all, and others are or were to be sent
//! in its place. What has not left is called off, the line is done; what has left already is for a person.

use super::leg::parcel::{Failure, Progress};
use super::leg::{Answer, reservation, shipment};
use super::*;

/// A parcel that was given up has arrived. Whether that is so, and the lines are changed.
pub(super) fn turned_up(
    process: &Process,
    lines: &mut [Line],
    job: Job,
    news: LegEvent,
    turn: &mut StepBuilder,
) -> bool {
    let LegEvent::Parcel(parcel) = news else { return false };
    if job.leg != Leg::Shipment || job.round != process.round || !parcel.is_delivery() {
        return false;
    }
    let Some(line) = lines.iter_mut().find(|line| line.plan.line == job.line && line.lost.contains(&job.attempt))
    else {
        return false;
    };
    let Some(at) = line.find(Leg::Shipment).filter(|_| !counted(line, job.attempt)) else { return false };
    // A person is asked about this very parcel: then it is found.
    let asked = matches!(line.runs[at].state.parcel_failure(), Some(Failure::Lost | Failure::Refused));
    if asked && line.runs[at].attempt == job.attempt {
        return false;
    }
    line.lost.retain(|lost| *lost != job.attempt);
    let wanted = matches!(process.stage, Stage::Executing { .. });
    arrive(line, at, job.attempt, wanted, turn);
    true
}

/// The parcel `attempt` has arrived, whatever was sent in its place. If nothing is wanted any more, it is brought back.
fn arrive(line: &mut Line, at: usize, attempt: u16, wanted: bool, turn: &mut StepBuilder) {
    let second = line.runs[at].clone();
    if second.state == RunState::Done {
        // The other one was there first.
        let first =
            LegRun { attempt, last: attempt, purpose: Purpose::Surplus, ..LegRun::new(Leg::Shipment, Purpose::Plan) };
        line.runs.push(first);
        let first = line.runs.len() - 1;
        turn.note(line, first, "TURNED_UP");
        expect_no_more(line, attempt, turn);
        turn.put_and_open_task(line, first, Failure::SentTwice.into());
        return;
    }
    let mut arrived = LegRun { attempt, last: second.last, ..LegRun::new(Leg::Shipment, Purpose::Plan) };
    if second.attempt != attempt {
        arrived.last = attempt;
        line.runs.push(LegRun { purpose: Purpose::Surplus, ..second });
        give_up(line, line.runs.len() - 1, turn);
    }
    line.runs[at] = arrived;
    turn.note(line, at, "TURNED_UP");
    if wanted {
        expect_no_more(line, attempt, turn);
        turn.put(line, at, RunState::Done);
        turn.give(line);
        turn.notify(line, at, Notice::GoodsDelivered);
    } else {
        shipment::bring_back(line, at, turn);
    }
    stock_stays(line, turn);
}

/// What was to be sent in its place: called off, if it has not left.
fn give_up(line: &mut Line, at: usize, turn: &mut StepBuilder) {
    let state = line.runs[at].state;
    match state {
        _ if state.is_callable_off() => turn.put_and_ask(line, at, RunState::Undoing),
        _ if state.parcel() == Some(Progress::HandedOver) => {
            turn.put_and_open_task(line, at, Failure::SentTwice.into());
        }
        RunState::Failed(_) => {
            turn.close_task(line, at);
            line.runs[at].state = RunState::Undone;
        }
        // It was called off already, and is not answered yet.
        RunState::Undoing => {}
        RunState::Idle
        | RunState::Asked
        | RunState::Working(_)
        | RunState::Done
        | RunState::Skipped
        | RunState::UndoFailed
        | RunState::Undone => {
            line.runs[at].state = RunState::Undone;
        }
    }
}

/// What was held, or asked for, to be sent again is not needed; unless it may be with the carrier already.
fn stock_stays(line: &mut Line, turn: &mut StepBuilder) {
    let in_doubt = |run: &LegRun| run.leg == Leg::Shipment && run.state == RunState::Undoing;
    if line.runs.iter().any(in_doubt) {
        return;
    }
    reservation::stays(line, turn);
}

/// Whether the goods of a shipment have been counted here: whatever its carrier says, the customer has not got them.
pub(super) fn came_back(line: &Line, shipment: usize) -> bool {
    counted(line, line.runs[shipment].attempt)
}

fn counted(line: &Line, attempt: u16) -> bool {
    let receipt = line.find_for(Leg::Receipt, Purpose::BringBack { shipment: attempt });
    receipt.is_some_and(|at| line.runs[at].count.came() > 0)
}

/// What was to come back by itself has arrived instead.
pub(super) fn expect_no_more(line: &mut Line, attempt: u16, turn: &mut StepBuilder) {
    if let Some(receipt) = line.find_for(Leg::Receipt, Purpose::BringBack { shipment: attempt })
        && line.runs[receipt].state == RunState::Asked
    {
        turn.put_and_ask(line, receipt, RunState::Undoing);
    }
}

/// News of a parcel that is not wanted any more.
pub(super) fn learn(line: &mut Line, at: usize, news: Parcel, turn: &mut StepBuilder) -> Answer {
    let state = line.runs[at].state;
    let asked = state == Failure::SentTwice.into();
    match (news, state) {
        (Parcel::Refused, RunState::Done) if shipment::comes_by_itself(line, at, turn) => return Answer::Moved,
        (_, RunState::Undoing) => {}
        (Parcel::Lost | Parcel::Damaged | Parcel::Refused, _) if asked => {}
        _ => return Answer::Stay,
    }
    match news {
        Parcel::Cancelled => {
            turn.put(line, at, RunState::Undone);
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
            turn.put(line, at, RunState::Undone);
            let attempt = line.runs[at].attempt;
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
fn sent_twice(line: &mut Line, at: usize, turn: &mut StepBuilder) {
    reservation::goods_left(line, turn);
    turn.put_and_open_task(line, at, Failure::SentTwice.into());
}
