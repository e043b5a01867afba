//! Goods to the customer. What has left us and is not wanted any more is brought back; what is lost is sent again.

use proto::claim::{Leg as Word, Role, WaitingFor};

use super::parcel::{Failure, Progress, Way, under_way};
use super::*;

pub(super) struct Shipment;

impl Rules for Shipment {
    fn word(&self) -> Word {
        Word::Shipment
    }

    fn helper(&self) -> Role {
        Role::Logistics
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Parcel(_))
    }

    fn may_begin(&self, line: &Line, _at: usize) -> bool {
        line.state_of(Leg::Reservation).is_some_and(reservation::is_held)
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        let run = &line.runs[at];
        match run.state {
            RunState::Undoing => Some(Command::CancelShipment { job }),
            RunState::Asked | RunState::Working(_) => Some(Command::Ship { job, quantity: line.units() }),
            RunState::Idle
            | RunState::Done
            | RunState::Skipped
            | RunState::Failed(_)
            | RunState::UndoFailed
            | RunState::Undone => None,
        }
    }

    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
        let LegEvent::Parcel(news) = news else { return Answer::Stay };
        let LegRun { state, purpose, .. } = line.runs[at];
        if purpose == Purpose::Surplus {
            return surplus::learn(line, at, news, turn);
        }
        match state.parcel_failure() {
            Some(Failure::Lost) if news.is_delivery() => found(line, at, turn),
            // What was counted here was not collected there.
            Some(Failure::Refused) if news.is_delivery() && !surplus::came_back(line, at) => found(line, at, turn),
            _ if state == RunState::Done && news == Parcel::DeliveredIncomplete => {
                return found_incomplete(line, at, turn);
            }
            _ if state == RunState::Done && news == Parcel::Refused => {
                return if comes_by_itself(line, at, turn) { Answer::Moved } else { Answer::Stay };
            }
            _ => return under_way(self, line, at, news, turn),
        }
        Answer::Moved
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        let state = line.runs[at].state;
        match state {
            _ if state.is_callable_off() => turn.put_and_ask(line, at, RunState::Undoing),
            // The goods are with the customer.
            RunState::Failed(_) if state == Failure::Incomplete.into() => bring_back(line, at, turn),
            RunState::Failed(_) => turn.put(line, at, RunState::Undone),
            RunState::Working(_) | RunState::Done => bring_back(line, at, turn),
            RunState::Idle
            | RunState::Asked
            | RunState::Skipped
            | RunState::Undoing
            | RunState::UndoFailed
            | RunState::Undone => {}
        }
    }

    fn ruled(
        &self,
        line: &mut Line,
        at: usize,
        _: Option<super::Failure>,
        ruling: Ruling,
        turn: &mut StepBuilder,
    ) -> Answer {
        let LegRun { state, purpose, .. } = line.runs[at];
        let failure = state.parcel_failure();
        match (purpose, ruling) {
            // It is there, and what lacks is settled by hand; there is nothing to try again.
            (_, Ruling::Approve | Ruling::Deny) if failure == Some(Failure::Incomplete) => {
                turn.put(line, at, RunState::Done)
            }
            (_, Ruling::Retry) if failure == Some(Failure::Incomplete) => turn.put_and_open_task(line, at, state),
            (Purpose::Surplus, Ruling::Approve | Ruling::Deny) => turn.put(line, at, RunState::Done),
            (Purpose::Surplus, Ruling::Retry) => bring_back(line, at, turn),
            (Purpose::Plan | Purpose::BringBack { .. }, Ruling::Deny) => return Answer::GiveUp,
            (Purpose::Plan | Purpose::BringBack { .. }, Ruling::Approve | Ruling::Retry) => again(line, at, failure),
        }
        Answer::Moved
    }

    fn waits_for(&self, run: &LegRun) -> WaitingFor {
        parcel::waits_for(run, WaitingFor::Warehouse)
    }

    /// The goods are there: it is left so, or not.
    fn task(&self, failure: super::Failure, purpose: Purpose) -> Task {
        match purpose {
            Purpose::Plan if failure != super::Failure::Parcel(Failure::Incomplete) => Task::LegFailed,
            Purpose::Plan | Purpose::BringBack { .. } | Purpose::Surplus => Task::CompensationFailed,
        }
    }
}

impl Way for Shipment {
    fn booked(&self, line: &Line) -> Notice {
        if line.losses > 0 { Notice::SentAgain } else { Notice::DayMoved }
    }

    fn happened(&self, run: &LegRun, incident: Incident) -> Option<(Option<Incident>, Option<Notice>)> {
        match incident {
            Incident::Attempted => Some((None, Some(Notice::DeliveryAttempted))),
            Incident::ToCollect => Some((Some(incident), Some(Notice::GoodsToCollect))),
            Incident::CustomsHold => Some((Some(incident), None)),
            Incident::Confirmed => Some((run.held, Some(Notice::DayMoved))),
            Incident::GoesOn => Some((None, None)),
            Incident::NobodyThere | Incident::NotReady | Incident::Incomplete => None,
        }
    }

    fn delayed(&self) -> Option<Notice> {
        Some(Notice::DeliveryDelayed)
    }

    fn is_old(&self, news: Parcel) -> bool {
        news == Parcel::HandedOver
    }

    fn moved(&self, line: &mut Line, at: usize, news: Parcel, turn: &mut StepBuilder) {
        reservation::goods_left(line, turn);
        let undoing = line.runs[at].state == RunState::Undoing;
        match news {
            Parcel::HandedOver | Parcel::CancelRefused if undoing => bring_back(line, at, turn),
            Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete if undoing => {
                bring_back(line, at, turn);
            }
            Parcel::HandedOver => {
                turn.put(line, at, Progress::HandedOver.into());
                turn.notify(line, at, Notice::GoodsShipped);
            }
            Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete => {
                delivered(line, at, news, turn);
            }
            Parcel::Damaged | Parcel::Lost => {
                may_turn_up(line, at);
                if undoing {
                    turn.put(line, at, RunState::Undone);
                } else {
                    lost(line, at, turn);
                }
            }
            Parcel::Refused => {
                may_turn_up(line, at);
                turn.notify(line, at, Notice::GoodsGoBack);
                if undoing {
                    turn.put(line, at, RunState::Undone);
                } else {
                    turn.put_and_open_task(line, at, Failure::Refused.into());
                }
                expect_back(line, at, turn);
            }
            Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed(_) | Parcel::Incident(..) => {}
            Parcel::Cancelled | Parcel::CancelRefused => {}
        }
    }
}

/// The goods are there: the customer has what was promised, and is told.
fn delivered(line: &mut Line, at: usize, news: Parcel, turn: &mut StepBuilder) {
    turn.give(line);
    turn.notify(line, at, Notice::GoodsDelivered);
    if news == Parcel::DeliveredIncomplete {
        line.runs[at].held = Some(Incident::Incomplete);
        turn.put_and_open_task(line, at, Failure::Incomplete.into());
        return;
    }
    if news == Parcel::DeliveredDamaged {
        turn.note(line, at, "DELIVERED_DAMAGED");
    }
    turn.put(line, at, RunState::Done);
}

/// It turned out later that not all of it was there: a person is asked, once, unless it comes back anyway.
fn found_incomplete(line: &mut Line, at: usize, turn: &mut StepBuilder) -> Answer {
    if line.runs[at].held == Some(Incident::Incomplete) || line.find_for(Leg::Receipt, comes_back(line, at)).is_some() {
        return Answer::Stay;
    }
    line.runs[at].held = Some(Incident::Incomplete);
    turn.put_and_open_task(line, at, Failure::Incomplete.into());
    Answer::Moved
}

/// Carriers find what they lost, repack what was damaged, and learn late that it was collected.
fn may_turn_up(line: &mut Line, at: usize) {
    let attempt = line.runs[at].attempt;
    line.lost.push(attempt);
}

/// The goods are sent again, a few times; then a person decides.
fn lost(line: &mut Line, at: usize, turn: &mut StepBuilder) {
    line.losses += 1;
    if line.losses > LOSSES_MAX {
        turn.put_and_open_task(line, at, Failure::Lost.into());
        return;
    }
    // The customer is told when it is known on which day the others come.
    turn.put(line, at, Failure::Lost.into());
    again(line, at, Some(Failure::Lost));
}

/// The leg is to begin again. Goods that have left stock are gone: others are held first.
fn again(line: &mut Line, at: usize, failure: Option<Failure>) {
    line.runs[at].state = RunState::Idle;
    if matches!(failure, Some(Failure::Lost | Failure::Refused)) {
        reservation::hold_others(line);
    }
}

/// A parcel has arrived after all while a person was asked what to do: nothing need be decided any more, and what was
/// to come back comes no more.
fn found(line: &mut Line, at: usize, turn: &mut StepBuilder) {
    turn.close_task(line, at);
    turn.put(line, at, RunState::Done);
    let attempt = line.runs[at].attempt;
    line.lost.retain(|lost| *lost != attempt);
    surplus::expect_no_more(line, attempt, turn);
    turn.give(line);
    turn.notify(line, at, Notice::GoodsDelivered);
}

fn comes_back(line: &Line, shipment: usize) -> Purpose {
    Purpose::BringBack { shipment: line.runs[shipment].attempt }
}

/// A parcel of ours is with the carrier or the customer: it becomes a return.
pub(in super::super) fn bring_back(line: &mut Line, shipment: usize, turn: &mut StepBuilder) {
    line.runs[shipment].state = RunState::Done;
    let purpose = comes_back(line, shipment);
    turn.add(line, Leg::Pickup, purpose);
    // It may be expected already, because it was to come back by itself.
    if line.find_for(Leg::Receipt, purpose).is_none() {
        turn.add(line, Leg::Receipt, purpose);
    }
}

/// A parcel that was to be fetched from the customer comes back by itself: the customer has not got it, nobody need fetch
/// it. Whether it was to be fetched.
pub(in super::super) fn comes_by_itself(line: &mut Line, shipment: usize, turn: &mut StepBuilder) -> bool {
    let Some(pickup) = line.find_for(Leg::Pickup, comes_back(line, shipment)) else { return false };
    line.runs[shipment].state = RunState::Undone;
    let state = line.runs[pickup].state;
    match state {
        _ if state.is_callable_off() => turn.put_and_ask(line, pickup, RunState::Undoing),
        RunState::Failed(_) => {
            turn.close_task(line, pickup);
            turn.put(line, pickup, RunState::Undone);
        }
        RunState::Idle | RunState::Asked | RunState::Working(_) | RunState::Done => {}
        RunState::Skipped | RunState::Undoing | RunState::UndoFailed | RunState::Undone => {}
    }
    true
}

/// A parcel of ours comes back by itself: it must be counted.
pub(in super::super) fn expect_back(line: &mut Line, shipment: usize, turn: &mut StepBuilder) {
    turn.add(line, Leg::Receipt, comes_back(line, shipment));
}
