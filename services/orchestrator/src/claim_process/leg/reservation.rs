//! Stock that is held for a line until its goods leave.

use proto::claim::{Leg as Word, Role, WaitingFor};
use serde::{Deserialize, Serialize};

use super::*;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Progress {
    /// Less than wanted is held.
    HeldPartly,
    /// All is held, the goods have not left.
    Held,
    /// The goods have left; inventory has not confirmed that it knows.
    Consuming,
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// Stock can never be held.
    NotReservable,
    /// The batch that must match was never in stock.
    BatchUnknown,
}

impl Progress {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::HeldPartly => "HELD_PARTLY",
            Self::Held => "HELD",
            Self::Consuming => "",
        }
    }
}

impl Failure {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::NotReservable => "NOT_RESERVABLE",
            Self::BatchUnknown => "BATCH_UNKNOWN",
        }
    }
}

impl From<Progress> for RunState {
    fn from(progress: Progress) -> Self {
        Self::Working(super::Progress::Stock(progress))
    }
}

impl From<Failure> for RunState {
    fn from(failure: Failure) -> Self {
        Self::Failed(super::Failure::Stock(failure))
    }
}

pub(in super::super) fn is_held(state: RunState) -> bool {
    state == Progress::Held.into()
}

/// The goods have left; inventory has not confirmed that it knows.
pub(in super::super) fn is_consuming(state: RunState) -> bool {
    state == Progress::Consuming.into()
}

fn is_partly(state: RunState) -> bool {
    state == Progress::HeldPartly.into()
}

/// Asked for, or a part of it is held.
pub(in super::super) fn is_open(state: RunState) -> bool {
    state == RunState::Asked || is_partly(state)
}

pub(super) struct Reservation;

impl Rules for Reservation {
    fn word(&self) -> Word {
        Word::Reservation
    }

    fn helper(&self) -> Role {
        Role::Warehouse
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Stock(_))
    }

    /// Nothing is promised that the ledger did not grant (domain rule 1).
    fn may_begin(&self, line: &Line, _at: usize) -> bool {
        line.is_done(Leg::Entitlement)
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        let state = line.runs[at].state;
        if state == RunState::Undoing {
            return Some(Command::Release { job });
        }
        if is_consuming(state) {
            return Some(Command::Consume { job });
        }
        is_open(state).then(|| Command::Reserve { job, quantity: line.units() })
    }

    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
        let LegEvent::Stock(news) = news else { return Answer::Stay };
        let state = line.runs[at].state;
        let (open, consuming) = (is_open(state), is_consuming(state));
        let held = is_held(state) || consuming;
        match news {
            Stock::Reserved if open => turn.put(line, at, Progress::Held.into()),
            Stock::ReservedPartly if state == RunState::Asked => {
                turn.put(line, at, Progress::HeldPartly.into());
                turn.notify(line, at, Notice::GoodsBackOrdered);
            }
            Stock::Failed if open => turn.put_and_open_task(line, at, Failure::NotReservable.into()),
            Stock::BatchUnknown if open => turn.put_and_open_task(line, at, Failure::BatchUnknown.into()),
            // What was lost on the way is wanted again.
            Stock::Consumed if consuming && line.state_of(Leg::Shipment) == Some(RunState::Idle) => {
                line.runs[at].state = RunState::Idle;
            }
            Stock::Consumed if consuming => turn.put(line, at, RunState::Done),
            Stock::Released | Stock::Expired if state == RunState::Undoing => turn.put(line, at, RunState::Undone),
            // It never comes: a person decides (P56).
            Stock::Expired if open && turn.attempts(line, at) >= limits::ATTEMPTS_MAX => {
                turn.put_and_open_task(line, at, Failure::NotReservable.into());
            }
            // A hold of a part ran out: it is asked for again, under a new name.
            Stock::Expired if open => line.runs[at].state = RunState::Idle,
            // Nobody asked for that, and what is held in full does not expire.
            Stock::Consumed if open || is_held(state) => return Answer::Broken,
            Stock::Released if open || held => return Answer::Broken,
            Stock::Expired if held => return Answer::Broken,
            Stock::Reserved | Stock::ReservedPartly | Stock::Failed | Stock::BatchUnknown => return Answer::Stay,
            Stock::Consumed | Stock::Released | Stock::Expired => return Answer::Stay,
        }
        Answer::Moved
    }

    /// Stock waits for the parcel: it is released when it is certain that nothing is sent.
    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        if matches!(line.runs[at].state, RunState::Failed(_)) {
            turn.put(line, at, RunState::Undone);
        }
    }

    fn waits_for(&self, run: &LegRun) -> WaitingFor {
        match run.state {
            state if is_held(state) => WaitingFor::Unspecified,
            state if is_partly(state) => WaitingFor::Stock,
            _ => WaitingFor::System,
        }
    }
}

/// Gives stock back when it is certain that it will not be sent.
pub(in super::super) fn release_unsent(line: &mut Line, turn: &mut StepBuilder) {
    let Some(at) = line.find(Leg::Reservation) else { return };
    if matches!(line.state_of(Leg::Shipment), Some(RunState::Skipped | RunState::Undone)) {
        release(line, at, turn);
    }
}

/// Gives back what is held, or asked for.
fn release(line: &mut Line, at: usize, turn: &mut StepBuilder) {
    let state = line.runs[at].state;
    if is_open(state) || is_held(state) {
        turn.put_and_ask(line, at, RunState::Undoing);
    }
}

/// The goods have left the house: they are not in stock any more.
pub(in super::super) fn goods_left(line: &mut Line, turn: &mut StepBuilder) {
    if let Some(at) = line.find(Leg::Reservation)
        && is_held(line.runs[at].state)
    {
        turn.put_and_ask(line, at, Progress::Consuming.into());
    }
}

/// Goods that have left stock are gone: others are held before they are sent again.
pub(in super::super) fn hold_others(line: &mut Line) {
    if let Some(at) = line.find(Leg::Reservation)
        && line.runs[at].state == RunState::Done
    {
        line.runs[at].state = RunState::Idle;
    }
}

/// What was held, or asked for, to be sent again is not needed.
pub(in super::super) fn stays(line: &mut Line, turn: &mut StepBuilder) {
    let Some(at) = line.find(Leg::Reservation) else { return };
    match line.runs[at].state {
        // Its goods have left with the parcel that has arrived.
        RunState::Idle => line.runs[at].state = RunState::Done,
        RunState::Failed(_) => {
            turn.close_task(line, at);
            turn.put(line, at, RunState::Undone);
        }
        RunState::Asked | RunState::Working(_) => release(line, at, turn),
        RunState::Done | RunState::Skipped | RunState::Undoing | RunState::UndoFailed | RunState::Undone => {}
    }
}
