//! Goods from the customer, counted by the warehouse. What comes back and is not as announced is for a person before the
//! claim goes on. What comes when it was expected no more is in `late.rs`.

use proto::claim::{Leg as Word, Role, WaitingFor};
use serde::{Deserialize, Serialize};

use super::*;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Progress {
    /// A part of it was counted.
    CountedPartly,
}

/// What a person is asked about what was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Question {
    /// Another article came back.
    WrongItem,
    /// What came back is not as the claim says.
    NotAsClaimed,
    /// What was replaced did not come back.
    NothingReturned,
    /// More came back than was announced.
    TooManyReturned,
}

/// The questions, in the order in which they are asked.
const QUESTIONS: [Question; 4] =
    [Question::WrongItem, Question::NotAsClaimed, Question::NothingReturned, Question::TooManyReturned];

impl Progress {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::CountedPartly => "COUNTED_PARTLY",
        }
    }
}

impl Question {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::WrongItem => "WRONG_ITEM_RETURNED",
            Self::NotAsClaimed => "RETURN_NOT_AS_CLAIMED",
            Self::NothingReturned => "NOTHING_RETURNED",
            Self::TooManyReturned => "RETURN_EXCESS",
        }
    }
}

impl From<Progress> for RunState {
    fn from(progress: Progress) -> Self {
        Self::Working(super::Progress::Return(progress))
    }
}

impl From<Question> for RunState {
    fn from(question: Question) -> Self {
        Self::Failed(super::Failure::Return(question))
    }
}

pub(super) struct Receipt;

impl Rules for Receipt {
    fn word(&self) -> Word {
        Word::Receipt
    }

    fn helper(&self) -> Role {
        Role::Warehouse
    }

    /// What counts for a claim is not for the warehouse to say.
    fn helper_of(&self, state: RunState) -> Role {
        if matches!(state, RunState::Failed(_)) { Role::Specialist } else { Role::Warehouse }
    }

    fn is_of_people(&self) -> bool {
        true
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Return(_))
    }

    fn may_begin(&self, line: &Line, _at: usize) -> bool {
        line.is_done(Leg::Entitlement)
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        let run = &line.runs[at];
        match run.state {
            RunState::Undoing => Some(Command::CancelReturn { job }),
            RunState::Asked | RunState::Working(_) => {
                let brings_back = run.purpose != Purpose::Plan;
                Some(Command::ExpectReturn { job, quantity: line.units(), brings_back })
            }
            RunState::Idle
            | RunState::Done
            | RunState::Skipped
            | RunState::Failed(_)
            | RunState::UndoFailed
            | RunState::Undone => None,
        }
    }

    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
        match news {
            LegEvent::Return(Return::Counted { count, complete, .. }) => counted(line, at, count, complete, turn),
            LegEvent::Return(Return::Cancelled { accepted }) => expected_no_more(line, at, accepted, turn),
            LegEvent::Granted(_)
            | LegEvent::Stock(_)
            | LegEvent::Parcel(_)
            | LegEvent::Money(_)
            | LegEvent::Visit(_) => Answer::Stay,
            LegEvent::Ruled(_) | LegEvent::TaskClosed => Answer::Stay,
        }
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        let came = line.runs[at].count.came() > 0;
        match line.runs[at].state {
            RunState::Asked | RunState::Working(_) => turn.put_and_ask(line, at, RunState::Undoing),
            // It is here, and nobody need decide any more whether it counts.
            RunState::Failed(_) | RunState::Done if came => turn.put_and_open_task(line, at, RunState::UndoFailed),
            RunState::Failed(_) => turn.put(line, at, RunState::Undone),
            RunState::Idle
            | RunState::Done
            | RunState::Skipped
            | RunState::Undoing
            | RunState::UndoFailed
            | RunState::Undone => {}
        }
    }

    /// Approved, these units count for the claim as well; everything else was settled by hand.
    fn ruled(
        &self,
        line: &mut Line,
        at: usize,
        failure: Option<Failure>,
        ruling: Ruling,
        turn: &mut StepBuilder,
    ) -> Answer {
        let Some(Failure::Return(question)) = failure else { return Answer::Stay };
        let count = &mut line.runs[at].count;
        let units = match question {
            Question::WrongItem => std::mem::take(&mut count.wrong_item),
            Question::NotAsClaimed => std::mem::take(&mut count.unclear),
            Question::NothingReturned | Question::TooManyReturned => 0,
        };
        if ruling == Ruling::Approve {
            count.accepted += units;
            count.other -= units.min(count.other);
        }
        judge(line, at, Some(question), turn);
        Answer::Moved
    }

    fn undo_again(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        turn.put_and_ask(line, at, RunState::Undoing);
    }

    fn waits_for(&self, run: &LegRun) -> WaitingFor {
        if run.state == RunState::Undoing { WaitingFor::System } else { WaitingFor::Warehouse }
    }

    fn task(&self, _failure: Failure, _purpose: Purpose) -> Task {
        Task::ReturnMismatch
    }

    fn units(&self, line: &Line, at: usize) -> u32 {
        line.runs[at].count.accepted
    }
}

fn counted(line: &mut Line, at: usize, count: Count, complete: bool, turn: &mut StepBuilder) -> Answer {
    let run = &mut line.runs[at];
    let more = count.came() > run.count.came();
    match run.state {
        RunState::Asked | RunState::Working(_) if complete => {
            run.count = count;
            judge(line, at, None, turn);
            pickup::goods_are_here(line, at, turn);
        }
        RunState::Asked | RunState::Working(_) if more => {
            run.count = count;
            turn.put(line, at, Progress::CountedPartly.into());
        }
        // It goes back to the customer; that is decided when inventory has answered.
        RunState::Undoing if more => run.count = count,
        RunState::Idle
        | RunState::Asked
        | RunState::Working(_)
        | RunState::Undoing
        | RunState::Done
        | RunState::Skipped => return Answer::Stay,
        RunState::Failed(_) | RunState::UndoFailed | RunState::Undone => return Answer::Stay,
    }
    Answer::Moved
}

fn expected_no_more(line: &mut Line, at: usize, accepted: u32, turn: &mut StepBuilder) -> Answer {
    let run = &mut line.runs[at];
    match run.state {
        RunState::Undoing => {}
        RunState::Asked | RunState::Working(_) => return Answer::Broken,
        RunState::Idle
        | RunState::Done
        | RunState::Skipped
        | RunState::Failed(_)
        | RunState::UndoFailed
        | RunState::Undone => return Answer::Stay,
    }
    run.count.accepted = run.count.accepted.max(accepted);
    match run.purpose {
        Purpose::BringBack { .. } => turn.put(line, at, RunState::Done),
        Purpose::Plan if run.count.came() > 0 => turn.put_and_open_task(line, at, RunState::UndoFailed),
        Purpose::Plan | Purpose::Surplus => turn.put(line, at, RunState::Undone),
    }
    Answer::Moved
}

/// All was counted. What is not as announced is for a person, one question after the other; then the receipt is done.
/// `answered`: the question that has been answered.
fn judge(line: &mut Line, at: usize, answered: Option<Question>, turn: &mut StepBuilder) {
    let asked = QUESTIONS.iter().position(|question| Some(*question) == answered).map_or(0, |place| place + 1);
    match QUESTIONS[asked..].iter().find(|question| is_open(line, at, **question)) {
        Some(question) => turn.put_and_open_task(line, at, (*question).into()),
        None => {
            turn.put(line, at, RunState::Done);
            all_counted(line, at, turn);
        }
    }
}

fn is_open(line: &Line, at: usize, question: Question) -> bool {
    let LegRun { purpose, count, .. } = line.runs[at];
    match question {
        Question::WrongItem => count.wrong_item > 0,
        Question::NotAsClaimed => count.unclear > 0,
        // The customer has what was sent in exchange, and keeps what it was sent for.
        Question::NothingReturned => {
            count.came() == 0 && purpose == Purpose::Plan && line.plan.resolution == Resolution::Replace
        }
        // What is more than announced is still the customer's.
        Question::TooManyReturned => count.accepted > line.units(),
    }
}

/// All is counted and judged: what was announced and does not count is promised no more (domain rule 2).
fn all_counted(line: &mut Line, receipt: usize, turn: &mut StepBuilder) {
    let LegRun { purpose, count, .. } = line.runs[receipt];
    let refund = purpose == Purpose::Plan && line.plan.resolution == Resolution::ReturnRefund;
    let back = line.held.saturating_sub(count.accepted);
    if refund && back > 0 {
        line.held -= back;
        turn.commands.push(Command::GiveBack { job: turn.grant(line), quantity: back });
    }
}

/// What was replaced has come back: the customer has what was sent in its place, and may get something for that as for
/// any other unit. What has not come back stays given.
pub(in super::super) fn close_replaced(line: &Line, turn: &mut StepBuilder) {
    let Some(receipt) = line.find(Leg::Receipt) else { return };
    let back = line.runs[receipt].count.accepted.min(line.given);
    if line.plan.resolution == Resolution::Replace && back > 0 {
        turn.commands.push(Command::TakeBack { job: turn.grant(line), quantity: back });
    }
}
