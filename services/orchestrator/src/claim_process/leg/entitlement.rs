//! What may still be given for the units. The ledger is ours: it answers in the same transaction.

use proto::claim::{Leg as Word, Role};

use super::*;

/// Its rules.
pub(super) struct Entitlement;

impl Rules for Entitlement {
    fn word(&self) -> Word {
        Word::Entitlement
    }

    fn helper(&self) -> Role {
        Role::Specialist
    }

    fn says(&self, news: LegEvent) -> bool {
        matches!(news, LegEvent::Granted(_))
    }

    fn may_begin(&self, _line: &Line, _at: usize) -> bool {
        true
    }

    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command> {
        (line.runs[at].state == RunState::Asked).then_some(Command::Grant { job, quantity: line.plan.quantity })
    }

    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
        let (LegEvent::Granted(units), RunState::Asked) = (news, line.runs[at].state) else { return Answer::Stay };
        if units > line.plan.quantity {
            return Answer::Broken;
        }
        line.held = units;
        turn.put(line, at, RunState::Done);
        if units == 0 {
            line.already_compensated = true;
            line.skip_the_rest();
        }
        Answer::Moved
    }

    /// The ledger answers at once and is balanced at the end.
    fn take_back(&self, _line: &mut Line, _at: usize, _turn: &mut StepBuilder) {}
}
