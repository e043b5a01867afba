//! Goods from the customer: the carrier's part. Damage on the way is counted by the warehouse.

use proto::claim::{Leg as Word, Role, WaitingFor};

use super::parcel::{Failure, Progress, Way, under_way};
use super::*;

pub(super) struct Pickup;

impl Rules for Pickup {
    fn word(&self) -> Word {
        Word::Pickup
    }

    fn helper(&self) -> Role {
        Role::Logistics
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Parcel(_))
    }

    /// Nothing is collected in exchange for goods that may not be there. A pick-up that failed is tried again at once: the
    /// goods may be anywhere, whatever is in stock.
    fn may_begin(&self, line: &Line, at: usize) -> bool {
        let held = |state| reservation::is_held(state) || reservation::is_consuming(state) || state == RunState::Done;
        match line.plan.resolution {
            _ if line.runs[at].last > 0 => true,
            Resolution::Replace => line.state_of(Leg::Reservation).is_some_and(held),
            Resolution::Resend | Resolution::ReturnRefund | Resolution::RefundOnly => line.is_done(Leg::Entitlement),
            Resolution::TechnicalSupport | Resolution::Reject => line.is_done(Leg::Entitlement),
        }
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        match line.runs[at].state {
            RunState::Undoing => Some(Command::CancelCollection { job }),
            RunState::Asked | RunState::Working(_) => Some(Command::Collect { job, quantity: line.units() }),
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
        // It has arrived after all while a person was asked what to do: nothing need be decided any more.
        if line.runs[at].state == Failure::Lost.into() && news.is_delivery() {
            turn.close_task(line, at);
            turn.put(line, at, RunState::Done);
            return Answer::Moved;
        }
        under_way(self, line, at, news, turn)
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        let state = line.runs[at].state;
        match state {
            _ if state.is_callable_off() => turn.put_and_ask(line, at, RunState::Undoing),
            // The goods left the customer and reached nobody.
            RunState::Failed(_) if state == Failure::Lost.into() => {
                turn.put_and_open_task(line, at, RunState::UndoFailed)
            }
            RunState::Failed(_) => turn.put(line, at, RunState::Undone),
            RunState::Working(_) | RunState::Done => collected(line, at, turn),
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
        match (line.runs[at].purpose, ruling) {
            (Purpose::Plan | Purpose::Surplus, Ruling::Deny) => return Answer::GiveUp,
            (Purpose::Plan | Purpose::Surplus, Ruling::Approve | Ruling::Retry) => line.runs[at].state = RunState::Idle,
            (Purpose::BringBack { .. }, Ruling::Retry) => turn.begin(line, at),
            (Purpose::BringBack { .. }, Ruling::Approve | Ruling::Deny) => leave_with_customer(line, at, turn),
        }
        Answer::Moved
    }

    fn undo_again(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        turn.put_and_ask(line, at, RunState::Undoing);
    }

    fn waits_for(&self, run: &LegRun) -> WaitingFor {
        parcel::waits_for(run, WaitingFor::Carrier)
    }
}

impl Way for Pickup {
    fn booked(&self, _line: &Line) -> Notice {
        Notice::CollectionBooked
    }

    fn happened(&self, _strand: &LegRun, incident: Incident) -> Option<(Option<Incident>, Option<Notice>)> {
        match incident {
            Incident::NobodyThere | Incident::NotReady => Some((Some(incident), Some(Notice::CollectionMissed))),
            Incident::CustomsHold => Some((Some(incident), None)),
            Incident::Confirmed => Some((None, Some(Notice::CollectionBooked))),
            Incident::GoesOn => Some((None, None)),
            Incident::Attempted | Incident::ToCollect | Incident::Incomplete => None,
        }
    }

    fn delayed(&self) -> Option<Notice> {
        None
    }

    fn is_old(&self, news: Parcel) -> bool {
        matches!(news, Parcel::HandedOver | Parcel::Damaged)
    }

    fn moved(&self, line: &mut Line, at: usize, news: Parcel, turn: &mut StepBuilder) {
        let undoing = line.runs[at].state == RunState::Undoing;
        match news {
            // It goes back to the customer: that is what was wanted.
            Parcel::Refused if undoing => turn.put(line, at, RunState::Undone),
            Parcel::HandedOver | Parcel::Damaged | Parcel::Lost | Parcel::CancelRefused if undoing => {
                collected(line, at, turn);
            }
            Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete if undoing => {
                collected(line, at, turn);
            }
            Parcel::HandedOver | Parcel::Damaged => turn.put(line, at, Progress::HandedOver.into()),
            Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete => {
                turn.put(line, at, RunState::Done)
            }
            Parcel::Lost => turn.put_and_open_task(line, at, Failure::Lost.into()),
            Parcel::Refused => turn.put_and_open_task(line, at, Failure::Refused.into()),
            Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed(_) | Parcel::Incident(..) => {}
            Parcel::Cancelled | Parcel::CancelRefused => {}
        }
    }
}

/// Goods have left the customer and should not have. If they were counted, the receipt asks the person.
fn collected(line: &mut Line, pickup: usize, turn: &mut StepBuilder) {
    let receipt = line.find_for(Leg::Receipt, line.runs[pickup].purpose).map(|at| &line.runs[at]);
    let counted = receipt.is_some_and(|receipt| {
        matches!(receipt.state, RunState::Done | RunState::UndoFailed) || receipt.count.came() > 0
    });
    if counted {
        turn.put(line, pickup, RunState::Done);
    } else {
        turn.put_and_open_task(line, pickup, RunState::UndoFailed);
    }
}

/// A parcel that nobody can collect stays with the customer, and is expected no more.
fn leave_with_customer(line: &mut Line, pickup: usize, turn: &mut StepBuilder) {
    let purpose = line.runs[pickup].purpose;
    line.runs[pickup].state = RunState::Skipped;
    if let Some(receipt) = line.find_for(Leg::Receipt, purpose)
        && !line.runs[receipt].is_settled()
    {
        turn.put_and_ask(line, receipt, RunState::Undoing);
    }
}

/// The goods are here, whatever the carrier says: a pick-up that has not taken place is called off.
pub(in super::super) fn goods_are_here(line: &mut Line, receipt: usize, turn: &mut StepBuilder) {
    let Some(pickup) = line.find_for(Leg::Pickup, line.runs[receipt].purpose) else { return };
    let state = line.runs[pickup].state;
    match state {
        // It has not begun yet: the customer was faster.
        RunState::Idle => line.runs[pickup].state = RunState::Skipped,
        _ if state.is_callable_off() => turn.put_and_ask(line, pickup, RunState::Undoing),
        RunState::Working(_) => turn.put(line, pickup, RunState::Done),
        RunState::Failed(_) => {
            turn.close_task(line, pickup);
            turn.put(line, pickup, RunState::Done);
        }
        RunState::Asked
        | RunState::Done
        | RunState::Skipped
        | RunState::Undoing
        | RunState::UndoFailed
        | RunState::Undone => {}
    }
}
