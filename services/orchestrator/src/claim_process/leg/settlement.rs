//! Money to the customer: finance pays, and says so.

use proto::claim::{Leg as Word, Role, WaitingFor};
use serde::{Deserialize, Serialize};

use super::*;

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// Finance could not pay.
    NotPaid,
}

impl From<Failure> for RunState {
    fn from(failure: Failure) -> Self {
        Self::Failed(super::Failure::Money(failure))
    }
}

pub(super) struct Settlement;

impl Rules for Settlement {
    fn word(&self) -> Word {
        Word::Settlement
    }

    fn helper(&self) -> Role {
        Role::Finance
    }

    fn is_of_people(&self) -> bool {
        true
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Money(_))
    }

    /// Nothing is refunded that was not counted (domain rule 2).
    fn may_begin(&self, line: &Line, _at: usize) -> bool {
        let first = match line.plan.resolution {
            Resolution::ReturnRefund => Leg::Receipt,
            Resolution::RefundOnly | Resolution::Replace | Resolution::Resend => Leg::Entitlement,
            Resolution::TechnicalSupport | Resolution::Reject => Leg::Entitlement,
        };
        line.is_done(first)
    }

    fn prepare(&self, line: &mut Line, turn: &mut StepBuilder) -> bool {
        turn.give(line)
    }

    fn begun(&self, line: &Line, at: usize, turn: &mut StepBuilder) {
        let job = turn.job(line, at);
        turn.commands.push(Command::Announce(Fact::SettlementInstructed { job }));
    }

    /// Finance is not asked to undo: it may have paid at any moment since, and says so.
    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        let is_open = matches!(line.runs[at].state, RunState::Asked | RunState::Undoing);
        is_open.then(|| Command::Settle { job, grant: line.grant(job.round), quantity: line.given })
    }

    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
        let LegEvent::Money(news) = news else { return Answer::Stay };
        let undoing = match line.runs[at].state {
            RunState::Asked => false,
            RunState::Undoing => true,
            RunState::Idle | RunState::Working(_) | RunState::Done | RunState::Skipped => return Answer::Stay,
            RunState::Failed(_) | RunState::UndoFailed | RunState::Undone => return Answer::Stay,
        };
        match news {
            Money::Paid => {
                turn.paid(line, at);
                if undoing {
                    turn.put_and_open_task(line, at, RunState::UndoFailed);
                } else {
                    turn.put(line, at, RunState::Done);
                }
            }
            Money::NotPaid | Money::Nothing if undoing => turn.put(line, at, RunState::Undone),
            Money::Nothing => turn.put(line, at, RunState::Done),
            Money::NotPaid => turn.put_and_open_task(line, at, Failure::NotPaid.into()),
        }
        Answer::Moved
    }

    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        match line.runs[at].state {
            // Finance may have paid: it says so, or says that it cannot.
            RunState::Asked => line.runs[at].state = RunState::Undoing,
            RunState::Done => turn.put_and_open_task(line, at, RunState::UndoFailed),
            RunState::Failed(_) => turn.put(line, at, RunState::Undone),
            RunState::Idle
            | RunState::Working(_)
            | RunState::Skipped
            | RunState::Undoing
            | RunState::UndoFailed
            | RunState::Undone => {}
        }
    }

    /// There is nobody else to ask whether money comes back.
    fn undo_again(&self, line: &mut Line, at: usize, turn: &mut StepBuilder) {
        turn.put_and_open_task(line, at, RunState::UndoFailed);
    }

    fn waits_for(&self, _strand: &LegRun) -> WaitingFor {
        WaitingFor::Finance
    }
}
