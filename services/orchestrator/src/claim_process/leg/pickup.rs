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

    fn says(&self, news: News) -> bool {
        matches!(news, News::Parcel(_))
    }

    /// Nothing is collected in exchange for goods that may not be there. A pick-up that failed is tried again at once: the
    /// goods may be anywhere, whatever is in stock.
    fn may_begin(&self, line: &Line, at: usize) -> bool {
        let held = |state| reservation::is_held(state) || reservation::is_consuming(state) || state == At::Done;
        match line.plan.resolution {
            _ if line.strands[at].last > 0 => true,
            Resolution::Replace => line.state_of(Leg::Reservation).is_some_and(held),
            Resolution::Resend | Resolution::ReturnRefund | Resolution::RefundOnly => line.is_done(Leg::Entitlement),
            Resolution::TechnicalSupport | Resolution::Reject => line.is_done(Leg::Entitlement),
        }
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        match line.strands[at].state {
            At::Undoing => Some(Command::CancelCollection { job }),
            At::Asked | At::Working(_) => Some(Command::Collect { job, quantity: line.units() }),
            At::Idle | At::Done | At::Skipped | At::Failed(_) | At::UndoFailed | At::Undone => None,
        }
    }

    fn learn(&self, line: &mut Line, at: usize, news: News, turn: &mut Turn) -> Answer {
        let News::Parcel(news) = news else { return Answer::Stay };
        // It has arrived after all while a person was asked what to do: nothing need be decided any more.
        if line.strands[at].state == Failure::Lost.into() && news.is_delivery() {
            turn.close_task(line, at);
            turn.put(line, at, At::Done);
            return Answer::Moved;
        }
        under_way(self, line, at, news, turn)
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut Turn) {
        let state = line.strands[at].state;
        match state {
            _ if state.is_callable_off() => turn.put_and_ask(line, at, At::Undoing),
            // The goods left the customer and reached nobody.
            At::Failed(_) if state == Failure::Lost.into() => turn.put_and_open_task(line, at, At::UndoFailed),
            At::Failed(_) => turn.put(line, at, At::Undone),
            At::Working(_) | At::Done => collected(line, at, turn),
            At::Idle | At::Asked | At::Skipped | At::Undoing | At::UndoFailed | At::Undone => {}
        }
    }

    fn ruled(&self, line: &mut Line, at: usize, _: Option<super::Failure>, ruling: Ruling, turn: &mut Turn) -> Answer {
        match (line.strands[at].purpose, ruling) {
            (Purpose::Plan | Purpose::Surplus, Ruling::Deny) => return Answer::GiveUp,
            (Purpose::Plan | Purpose::Surplus, Ruling::Approve | Ruling::Retry) => line.strands[at].state = At::Idle,
            (Purpose::BringBack { .. }, Ruling::Retry) => turn.begin(line, at),
            (Purpose::BringBack { .. }, Ruling::Approve | Ruling::Deny) => leave_with_customer(line, at, turn),
        }
        Answer::Moved
    }

    fn undo_again(&self, line: &mut Line, at: usize, turn: &mut Turn) {
        turn.put_and_ask(line, at, At::Undoing);
    }

    fn waits_for(&self, strand: &Strand) -> WaitingFor {
        parcel::waits_for(strand, WaitingFor::Carrier)
    }
}

impl Way for Pickup {
    fn booked(&self, _line: &Line) -> Notice {
        Notice::CollectionBooked
    }

    fn happened(&self, _strand: &Strand, incident: Incident) -> Option<(Option<Incident>, Option<Notice>)> {
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

    fn moved(&self, line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) {
        let undoing = line.strands[at].state == At::Undoing;
        match news {
            // It goes back to the customer: that is what was wanted.
            Parcel::Refused if undoing => turn.put(line, at, At::Undone),
            Parcel::HandedOver | Parcel::Damaged | Parcel::Lost | Parcel::CancelRefused if undoing => {
                collected(line, at, turn);
            }
            Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete if undoing => {
                collected(line, at, turn);
            }
            Parcel::HandedOver | Parcel::Damaged => turn.put(line, at, Progress::HandedOver.into()),
            Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete => turn.put(line, at, At::Done),
            Parcel::Lost => turn.put_and_open_task(line, at, Failure::Lost.into()),
            Parcel::Refused => turn.put_and_open_task(line, at, Failure::Refused.into()),
            Parcel::Booked | Parcel::BookingFailed | Parcel::Delayed(_) | Parcel::Incident(..) => {}
            Parcel::Cancelled | Parcel::CancelRefused => {}
        }
    }
}

/// Goods have left the customer and should not have. If they were counted, the receipt asks the person.
fn collected(line: &mut Line, pickup: usize, turn: &mut Turn) {
    let receipt = line.find_for(Leg::Receipt, line.strands[pickup].purpose).map(|at| &line.strands[at]);
    let counted =
        receipt.is_some_and(|receipt| matches!(receipt.state, At::Done | At::UndoFailed) || receipt.count.came() > 0);
    if counted {
        turn.put(line, pickup, At::Done);
    } else {
        turn.put_and_open_task(line, pickup, At::UndoFailed);
    }
}

/// A parcel that nobody can collect stays with the customer, and is expected no more.
fn leave_with_customer(line: &mut Line, pickup: usize, turn: &mut Turn) {
    let purpose = line.strands[pickup].purpose;
    line.strands[pickup].state = At::Skipped;
    if let Some(receipt) = line.find_for(Leg::Receipt, purpose)
        && !line.strands[receipt].is_settled()
    {
        turn.put_and_ask(line, receipt, At::Undoing);
    }
}

/// The goods are here, whatever the carrier says: a pick-up that has not taken place is called off.
pub(in super::super) fn goods_are_here(line: &mut Line, receipt: usize, turn: &mut Turn) {
    let Some(pickup) = line.find_for(Leg::Pickup, line.strands[receipt].purpose) else { return };
    let state = line.strands[pickup].state;
    match state {
        // It has not begun yet: the customer was faster.
        At::Idle => line.strands[pickup].state = At::Skipped,
        _ if state.is_callable_off() => turn.put_and_ask(line, pickup, At::Undoing),
        At::Working(_) => turn.put(line, pickup, At::Done),
        At::Failed(_) => {
            turn.close_task(line, pickup);
            turn.put(line, pickup, At::Done);
        }
        At::Asked | At::Done | At::Skipped | At::Undoing | At::UndoFailed | At::Undone => {}
    }
}
