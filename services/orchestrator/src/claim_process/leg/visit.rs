//! A technician's visit (S4-49..54). A trip in vain is followed by another one, until it is solved; whoever is on site cannot
//! be called off.

use jiff::civil::Date;
use proto::claim::{Leg as Word, Role, WaitingFor};
use serde::{Deserialize, Serialize};

use super::*;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Progress {
    /// Those who look after visits know of it.
    Arranged,
    /// Appointments were offered.
    Proposed,
    /// A technician and a time were agreed.
    Appointed,
    /// The technician is there.
    OnSite,
    /// A trip was in vain.
    InVain,
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// It was given up, or cannot be arranged.
    VisitCancelled,
}

/// News of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Visit {
    /// It is known.
    Arranged,
    /// Appointments were offered.
    Proposed,
    /// A technician and a time were agreed: the day.
    Appointed(Option<Date>),
    /// The technician is there.
    Started,
    /// It works again.
    Done,
    /// A trip was in vain.
    InVain,
    /// It will not take place.
    Cancelled,
    /// Too late to call it off.
    CancelRefused,
}

impl Progress {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Arranged => "VISIT_ARRANGED",
            Self::Proposed => "VISIT_PROPOSED",
            Self::Appointed => "VISIT_APPOINTED",
            Self::OnSite => "ON_SITE",
            Self::InVain => "VISIT_IN_VAIN",
        }
    }
}

impl From<Progress> for RunState {
    fn from(progress: Progress) -> Self {
        Self::Working(super::Progress::Visit(progress))
    }
}

impl From<Failure> for RunState {
    fn from(failure: Failure) -> Self {
        Self::Failed(super::Failure::Visit(failure))
    }
}

pub(super) struct OfTechnician;

impl Rules for OfTechnician {
    fn word(&self) -> Word {
        Word::Visit
    }

    fn helper(&self) -> Role {
        Role::Logistics
    }

    fn is_of_people(&self) -> bool {
        true
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Visit(_))
    }

    /// What is sent must be there before somebody installs it.
    fn may_begin(&self, line: &Line, _at: usize) -> bool {
        line.state_of(Leg::Shipment).is_none_or(|state| state == RunState::Done)
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        match line.runs[at].state {
            RunState::Undoing => Some(Command::CancelVisit { job }),
            RunState::Asked | RunState::Working(_) => Some(Command::ArrangeVisit { job, quantity: line.plan.quantity }),
            RunState::Idle | RunState::Done | RunState::Skipped => None,
            RunState::Failed(_) | RunState::UndoFailed | RunState::Undone => None,
        }
    }

    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
        let LegEvent::Visit(news) = news else { return Answer::Stay };
        let state = line.runs[at].state;
        let under_way = matches!(state, RunState::Asked | RunState::Working(_));
        match (news, state) {
            (Visit::Cancelled, RunState::Undoing) => turn.put(line, at, RunState::Undone),
            // It took place while it was called off: nothing can be taken back, a person lets it be.
            (Visit::CancelRefused, RunState::Undoing) => turn.put_and_open_task(line, at, RunState::UndoFailed),
            // Nobody asked for it.
            (Visit::CancelRefused, _) if under_way => return Answer::Broken,
            (Visit::Cancelled, _) if under_way => turn.put_and_open_task(line, at, Failure::VisitCancelled.into()),
            (Visit::Done, _) if under_way => turn.put(line, at, RunState::Done),
            (Visit::Arranged, RunState::Asked) => turn.put(line, at, Progress::Arranged.into()),
            (Visit::Proposed, _) if under_way => return moved(line, at, Progress::Proposed, None, turn),
            (Visit::Appointed(day), _) if under_way => return moved(line, at, Progress::Appointed, day, turn),
            (Visit::Started, _) if under_way => return moved(line, at, Progress::OnSite, None, turn),
            (Visit::InVain, _) if under_way => return moved(line, at, Progress::InVain, None, turn),
            (Visit::Arranged | Visit::Proposed | Visit::Appointed(_) | Visit::Started, _) => return Answer::Stay,
            (Visit::Done | Visit::InVain | Visit::Cancelled | Visit::CancelRefused, _) => return Answer::Stay,
        }
        Answer::Moved
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        match line.runs[at].state {
            RunState::Asked | RunState::Working(_) => turn.put_and_ask(line, at, RunState::Undoing),
            RunState::Failed(_) => turn.put(line, at, RunState::Undone),
            // What was done at the customer's stays done.
            RunState::Done => {}
            RunState::Idle | RunState::Skipped | RunState::Undoing | RunState::UndoFailed | RunState::Undone => {}
        }
    }

    fn undo_again(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        turn.put_and_ask(line, at, RunState::Undoing);
    }

    fn waits_for(&self, run: &LegRun) -> WaitingFor {
        match run.state {
            RunState::Working(super::Progress::Visit(Progress::Proposed)) => WaitingFor::Customer,
            RunState::Working(_) => WaitingFor::Logistics,
            RunState::Idle | RunState::Asked | RunState::Done | RunState::Skipped => WaitingFor::System,
            RunState::Failed(_) | RunState::Undoing | RunState::UndoFailed | RunState::Undone => WaitingFor::System,
        }
    }
}

/// The same again is nothing new; another day is.
fn moved(line: &mut Line, at: usize, to: Progress, day: Option<Date>, turn: &mut StepBuilder) -> Answer {
    let run = &mut line.runs[at];
    if run.state == to.into() && run.day == day {
        return Answer::Stay;
    }
    run.day = day;
    turn.put(line, at, to.into());
    match to {
        Progress::Proposed => turn.notify(line, at, Notice::VisitProposed),
        Progress::Appointed => turn.notify(line, at, Notice::VisitAppointed),
        Progress::Arranged | Progress::OnSite | Progress::InVain => {}
    }
    Answer::Moved
}
