//! What is asked again after a silence (P53). Messages are not lost by design; this is the second guard, and it asks for
//! the state that should be, whatever was heard before: everybody takes the same question twice as once.

use proto::claim::WaitingFor;

use super::*;

/// How long a silence may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// A service answers at once, or something is wrong.
    Short,
    /// Whoever answers takes their time: only that the question is known is made sure.
    Long,
    /// The claim has ended: that all have heard of it is made sure, once.
    Once,
}

/// How long the claim waits before it asks again.
pub fn retry_policy(process: &Process) -> RetryPolicy {
    match (&process.stage, waits_for(process)) {
        (Stage::Ended { .. }, _) => RetryPolicy::Once,
        (_, WaitingFor::System) => RetryPolicy::Short,
        _ => RetryPolicy::Long,
    }
}

/// What is asked again: every open question to others; after a long silence also what nobody answers, but for the
/// clocks that were stopped, which the handler knows with their times.
pub fn ask_again(process: &Process) -> Vec<Command> {
    let mut commands = match retry_policy(process) {
        RetryPolicy::Short => vec![],
        RetryPolicy::Long | RetryPolicy::Once => unanswered(process),
    };
    commands.extend(waiting_for(process));
    // Ledger and settlements are ours: what was asked of them is there, in the same transaction.
    commands.retain(|command| !matches!(command, Command::Grant { .. } | Command::Settle { .. }));
    commands
}

/// What has no answer, and must have been heard.
fn unanswered(process: &Process) -> Vec<Command> {
    let Process { round, assessment, acknowledged, .. } = *process;
    if let Stage::Ended { outcome, reason, taken_back } = &process.stage {
        let ended = Command::EndClaim { outcome: *outcome, reason: reason.clone() };
        let late = process.late.iter().map(Late::question);
        return taken_back.map(|open| open.command(process)).into_iter().chain([ended]).chain(late).collect();
    }
    let mut kinds = vec![Clock::FirstFeedback, Clock::FinalSolution];
    if round == 1 && !acknowledged {
        kinds.push(Clock::Acknowledgement);
    }
    // Promises that were kept, and the day of the plan: intake hears of them when there is time.
    let mut commands = vec![Command::StartClocks { round, kinds }, Command::MovePromises];
    if let Stage::AwaitingCustomer { .. } = process.stage {
        commands.push(Command::PauseClocks);
    } else if assessment > 1 {
        // There was a question, perhaps.
        commands.push(Command::ResumeClocks);
    }
    commands.extend(process.late.iter().map(Late::question));
    if let Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } = &process.stage {
        commands.extend(lines.iter().flat_map(|line| line.closed_tasks(round)));
    }
    commands
}

impl CancelledQuestion {
    /// Takes the question back.
    pub(super) fn command(self, process: &Process) -> Command {
        let Process { assessment, plan, .. } = *process;
        match self {
            Self::Assessment => Command::CancelAssessment { assessment },
            Self::Question => Command::CloseQuestion { question: assessment },
            Self::Approval => Command::CancelApproval { plan },
            Self::Proposal => Command::WithdrawPlan { plan },
        }
    }
}

impl Line {
    /// Tasks that wait for nobody any more: decided, or taken off their list.
    fn closed_tasks(&self, round: u16) -> Vec<Command> {
        let had_task = |run: &&LegRun| {
            let advice = run.leg == Leg::Support && run.state == RunState::Undone;
            !run.has_task() && (advice || run.last > run.attempt)
        };
        let close = |run: &LegRun| {
            let job = Job { round, line: self.plan.line, leg: run.leg, attempt: run.last };
            Command::CloseTask { job }
        };
        self.runs.iter().filter(had_task).map(close).collect()
    }
}
