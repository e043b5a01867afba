//! What comes when it was expected no more: it is noted, whatever the claim is doing, and a person decides what is owed
//! for it.

use super::*;

/// Tasks about late goods are numbered from here: no attempt at a receipt has such a number.
const LATE_FIRST: u16 = 10_000;
/// Reason of a task about late goods.
const LATE: &str = "LATE_RETURN";

/// Goods that came when they were expected no more, in whatever stage the claim is; `None`: it is about something else.
pub(super) fn late(process: &Process, event: &Event) -> Option<Step> {
    let Event::Work { job, news: LegEvent::Return(Return::Counted { count, late: 1.., .. }) } = event else {
        return None;
    };
    if is_expected(process, *job) {
        return None;
    }
    if process.late.iter().any(|known| known.receipt == *job && known.came >= count.came()) {
        return Some(Step::Stay);
    }
    let mut process = process.clone();
    let task = LATE_FIRST.saturating_add(u16::try_from(process.late.len()).unwrap_or(u16::MAX));
    let late = Late { receipt: *job, came: count.came(), task };
    let mut commands = vec![late.question()];
    // Nothing public follows the end.
    if !matches!(process.stage, Stage::Ended { .. }) {
        commands.push(Command::Announce(Fact::PersonAsked { reason: LATE.to_owned(), line: job.line }));
    }
    process.late.push(late);
    Some(Step::Go(process, commands))
}

fn is_expected(process: &Process, job: Job) -> bool {
    let (Stage::Executing { lines, .. } | Stage::Compensating { lines, .. }) = &process.stage else { return false };
    let waits = |run: &LegRun| {
        let open = matches!(run.state, RunState::Asked | RunState::Working(_) | RunState::Undoing);
        run.leg == Leg::Receipt && run.attempt == job.attempt && open
    };
    let mut of_line = lines.iter().filter(|line| line.plan.line == job.line && job.round == process.round);
    of_line.any(|line| line.runs.iter().any(waits))
}

impl Late {
    /// The task about them.
    pub(super) fn job(&self) -> Job {
        Job { attempt: self.task, ..self.receipt }
    }

    pub(super) fn question(&self) -> Command {
        Command::OpenTask { job: self.job(), kind: Task::ReturnMismatch, reason: LATE }
    }
}
