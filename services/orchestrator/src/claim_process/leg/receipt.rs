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

impl From<Progress> for At {
    fn from(progress: Progress) -> Self {
        Self::Working(super::Progress::Return(progress))
    }
}

impl From<Question> for At {
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
    fn helper_of(&self, state: At) -> Role {
        if matches!(state, At::Failed(_)) { Role::Specialist } else { Role::Warehouse }
    }

    fn is_of_people(&self) -> bool {
        true
    }

    fn says(&self, news: News) -> bool {
        matches!(news, News::Return(_))
    }

    fn may_begin(&self, line: &Line, _at: usize) -> bool {
        line.is_done(Leg::Entitlement)
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        let strand = &line.strands[at];
        match strand.state {
            At::Undoing => Some(Command::CancelReturn { job }),
            At::Asked | At::Working(_) => {
                let brings_back = strand.purpose != Purpose::Plan;
                Some(Command::ExpectReturn { job, quantity: line.units(), brings_back })
            }
            At::Idle | At::Done | At::Skipped | At::Failed(_) | At::UndoFailed | At::Undone => None,
        }
    }

    fn learn(&self, line: &mut Line, at: usize, news: News, turn: &mut Turn) -> Answer {
        match news {
            News::Return(Return::Counted { count, complete, .. }) => counted(line, at, count, complete, turn),
            News::Return(Return::Cancelled { accepted }) => expected_no_more(line, at, accepted, turn),
            News::Granted(_) | News::Stock(_) | News::Parcel(_) | News::Money(_) => Answer::Stay,
            News::Ruled(_) | News::TaskClosed => Answer::Stay,
        }
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut Turn) {
        let came = line.strands[at].count.came() > 0;
        match line.strands[at].state {
            At::Asked | At::Working(_) => turn.put_and_ask(line, at, At::Undoing),
            // It is here, and nobody need decide any more whether it counts.
            At::Failed(_) | At::Done if came => turn.put_and_open_task(line, at, At::UndoFailed),
            At::Failed(_) => turn.put(line, at, At::Undone),
            At::Idle | At::Done | At::Skipped | At::Undoing | At::UndoFailed | At::Undone => {}
        }
    }

    /// Approved, these units count for the claim as well; everything else was settled by hand.
    fn ruled(&self, line: &mut Line, at: usize, failure: Option<Failure>, ruling: Ruling, turn: &mut Turn) -> Answer {
        let Some(Failure::Return(question)) = failure else { return Answer::Stay };
        let count = &mut line.strands[at].count;
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

    fn undo_again(&self, line: &mut Line, at: usize, turn: &mut Turn) {
        turn.put_and_ask(line, at, At::Undoing);
    }

    fn waits_for(&self, strand: &Strand) -> WaitingFor {
        if strand.state == At::Undoing { WaitingFor::System } else { WaitingFor::Warehouse }
    }

    fn task(&self, _failure: Failure, _purpose: Purpose) -> Task {
        Task::ReturnMismatch
    }

    fn units(&self, line: &Line, at: usize) -> u32 {
        line.strands[at].count.accepted
    }
}

fn counted(line: &mut Line, at: usize, count: Count, complete: bool, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    let more = count.came() > strand.count.came();
    match strand.state {
        At::Asked | At::Working(_) if complete => {
            strand.count = count;
            judge(line, at, None, turn);
            pickup::goods_are_here(line, at, turn);
        }
        At::Asked | At::Working(_) if more => {
            strand.count = count;
            turn.put(line, at, Progress::CountedPartly.into());
        }
        // It goes back to the customer; that is decided when inventory has answered.
        At::Undoing if more => strand.count = count,
        At::Idle | At::Asked | At::Working(_) | At::Undoing | At::Done | At::Skipped => return Answer::Stay,
        At::Failed(_) | At::UndoFailed | At::Undone => return Answer::Stay,
    }
    Answer::Moved
}

fn expected_no_more(line: &mut Line, at: usize, accepted: u32, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    match strand.state {
        At::Undoing => {}
        At::Asked | At::Working(_) => return Answer::Broken,
        At::Idle | At::Done | At::Skipped | At::Failed(_) | At::UndoFailed | At::Undone => return Answer::Stay,
    }
    strand.count.accepted = strand.count.accepted.max(accepted);
    match strand.purpose {
        Purpose::BringBack { .. } => turn.put(line, at, At::Done),
        Purpose::Plan if strand.count.came() > 0 => turn.put_and_open_task(line, at, At::UndoFailed),
        Purpose::Plan | Purpose::Surplus => turn.put(line, at, At::Undone),
    }
    Answer::Moved
}

/// All was counted. What is not as announced is for a person, one question after the other; then the receipt is done.
/// `answered`: the question that has been answered.
fn judge(line: &mut Line, at: usize, answered: Option<Question>, turn: &mut Turn) {
    let asked = QUESTIONS.iter().position(|question| Some(*question) == answered).map_or(0, |place| place + 1);
    match QUESTIONS[asked..].iter().find(|question| is_open(line, at, **question)) {
        Some(question) => turn.put_and_open_task(line, at, (*question).into()),
        None => {
            turn.put(line, at, At::Done);
            all_counted(line, at, turn);
        }
    }
}

fn is_open(line: &Line, at: usize, question: Question) -> bool {
    let Strand { purpose, count, .. } = line.strands[at];
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
fn all_counted(line: &mut Line, receipt: usize, turn: &mut Turn) {
    let Strand { purpose, count, .. } = line.strands[receipt];
    let refund = purpose == Purpose::Plan && line.plan.resolution == Resolution::ReturnRefund;
    let back = line.held.saturating_sub(count.accepted);
    if refund && back > 0 {
        line.held -= back;
        turn.commands.push(Command::GiveBack { job: turn.grant(line), quantity: back });
    }
}

/// What was replaced has come back: the customer has what was sent in its place, and may get something for that as for
/// any other unit. What has not come back stays given.
pub(in super::super) fn close_replaced(line: &Line, turn: &mut Turn) {
    let Some(receipt) = line.find(Leg::Receipt) else { return };
    let back = line.strands[receipt].count.accepted.min(line.given);
    if line.plan.resolution == Resolution::Replace && back > 0 {
        turn.commands.push(Command::TakeBack { job: turn.grant(line), quantity: back });
    }
}
