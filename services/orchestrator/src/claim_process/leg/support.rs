//! Advice by a person: its question is a work item, and the answer is the ruling.

use proto::claim::{Leg as Word, Role, WaitingFor};
use serde::{Deserialize, Serialize};

use super::*;

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// The person who was to advise said no.
    NotAdvised,
}

impl From<Failure> for RunState {
    fn from(failure: Failure) -> Self {
        Self::Failed(super::Failure::Support(failure))
    }
}

pub(super) struct Support;

impl Rules for Support {
    fn word(&self) -> Word {
        Word::Support
    }

    fn helper(&self) -> Role {
        Role::Specialist
    }

    fn is_of_people(&self) -> bool {
        true
    }

    fn says(&self, _news: LegEvent) -> bool {
        false
    }

    fn may_begin(&self, _line: &Line, _at: usize) -> bool {
        true
    }

    /// Its question is the task.
    fn ask(&self, _line: &Line, _at: usize, _job: Job) -> Option<Command> {
        None
    }

    fn learn(&self, _line: &mut Line, _at: usize, _news: LegEvent, _turn: &mut StepBuilder) -> Answer {
        Answer::Stay
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        match line.runs[at].state {
            RunState::Asked => {
                turn.close_task(line, at);
                turn.put(line, at, RunState::Undone);
            }
            RunState::Failed(_) => turn.put(line, at, RunState::Undone),
            // Advice was given.
            RunState::Idle
            | RunState::Working(_)
            | RunState::Done
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
        failure: Option<super::Failure>,
        ruling: Ruling,
        turn: &mut StepBuilder,
    ) -> Answer {
        match (failure, ruling) {
            (None, Ruling::Approve) => turn.put(line, at, RunState::Done),
            (None, Ruling::Deny) => turn.put_and_open_task(line, at, Failure::NotAdvised.into()),
            (None, Ruling::Retry) => turn.begin(line, at),
            (Some(_), Ruling::Deny) => return Answer::GiveUp,
            (Some(_), Ruling::Approve | Ruling::Retry) => line.runs[at].state = RunState::Idle,
        }
        Answer::Moved
    }

    fn waits_for(&self, _strand: &LegRun) -> WaitingFor {
        WaitingFor::Specialist
    }

    fn units(&self, _line: &Line, _at: usize) -> u32 {
        0
    }
}
