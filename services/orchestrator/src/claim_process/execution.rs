//! How the lines of a plan are carried out: every leg begins as soon as what it needs is there, lines and legs side by
//! side; the plan is done when every leg is settled.

use super::leg::{Answer, learn, receipt};
use super::*;

pub(super) fn begin(process: &Process, plan: &Plan, commands: Vec<Command>) -> Step {
    let lines = plan.lines.iter().map(Line::new).collect();
    proceed(process, plan.follow_up, lines, StepBuilder::new(process, commands))
}

pub(super) fn executing(process: &Process, follow_up: bool, lines: &[Line], event: &Event) -> Step {
    match event {
        Event::Work { job, news } => {
            let (mut lines, mut turn) = (lines.to_vec(), StepBuilder::new(process, vec![]));
            match heard(process, &mut lines, *job, *news, &mut turn) {
                Answer::Moved => proceed(process, follow_up, lines, turn),
                Answer::Stay => Step::Stay,
                Answer::Broken => Step::Broken,
                Answer::GiveUp => undo::begin(process, lines, Then::AssessAgain, "LEG_FAILED", turn),
            }
        }
        Event::Withdrawn => {
            undo::begin(process, lines.to_vec(), Then::EndWithdrawn, WITHDRAWN, StepBuilder::new(process, vec![]))
        }
        Event::Duplicate => {
            undo::begin(process, lines.to_vec(), Then::EndDuplicate, DUPLICATE, StepBuilder::new(process, vec![]))
        }
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } => Step::Stay,
    }
}

fn proceed(process: &Process, follow_up: bool, mut lines: Vec<Line>, mut turn: StepBuilder) -> Step {
    for at in 0..lines.len() {
        let others = others(&lines, &lines[at].plan);
        let line = &mut lines[at];
        if others == Others::Fail {
            drop_line(line, &mut turn);
        }
        for at in 0..line.runs.len() {
            let waits = others == Others::AreOpen && line.runs[at].leg == Leg::Settlement;
            if !waits && line.runs[at].state == RunState::Idle && line.runs[at].leg.rules().may_begin(line, at) {
                turn.begin(line, at);
            }
        }
    }
    if lines.iter().all(Line::is_settled) {
        lines.iter().for_each(|line| receipt::close_replaced(line, &mut turn));
        return conclude(process, follow_up, &lines, turn.commands);
    }
    Step::Go(process.at(Stage::Executing { follow_up, lines }), turn.commands)
}

/// How it stands with the lines that a line depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Each gives all its units, or there are none.
    Give,
    /// They may still.
    AreOpen,
    /// One of them does not.
    Fail,
}

fn others(lines: &[Line], plan: &LinePlan) -> Others {
    let others = || lines.iter().filter(|other| plan.only_with.contains(&other.plan.line));
    if others().all(|other| other.given == other.plan.quantity) {
        Others::Give
    } else if others().any(|other| other.given < other.plan.quantity && (other.given > 0 || other.is_settled())) {
        Others::Fail
    } else {
        Others::AreOpen
    }
}

/// It gives nothing: what was promised is promised no more.
fn drop_line(line: &mut Line, turn: &mut StepBuilder) {
    if line.state_of(Leg::Entitlement) != Some(RunState::Done) || line.held == 0 {
        return;
    }
    line.skip_the_rest();
    turn.commands.push(Command::GiveBack { job: turn.grant(line), quantity: line.held });
    line.held = 0;
}

/// The plan is done. If it gave nothing, the claim is refused after all.
fn conclude(process: &Process, follow_up: bool, lines: &[Line], mut commands: Vec<Command>) -> Step {
    let process = Process { numbers: numbers_used(process, lines), ..process.clone() };
    if let Some(reasons) = lines.iter().map(Line::gave_nothing).collect::<Option<Vec<_>>>() {
        let reason = reasons.into_iter().min().unwrap_or(Nothing::Due);
        return end(&process, Outcome::Rejected, reason.code(), commands);
    }
    if !follow_up {
        return end(&process, Outcome::Closed, "", commands);
    }
    commands.push(Command::StopClocks { round: process.round, kinds: vec![Clock::FinalSolution] });
    commands.push(Command::StartFollowUp { round: process.round });
    commands.push(Command::Announce(Fact::FollowUpStarted { round: process.round }));
    Step::Go(process.at(Stage::FollowingUp), commands)
}

pub(super) fn numbers_used(process: &Process, lines: &[Line]) -> u16 {
    let used = lines.iter().flat_map(|line| &line.runs).map(|run| run.last);
    used.max().unwrap_or(0).max(process.numbers)
}

/// What a message about a piece of work does to the lines, while they are carried out and while they are undone.
pub(super) fn heard(process: &Process, lines: &mut [Line], job: Job, news: LegEvent, turn: &mut StepBuilder) -> Answer {
    if surplus::turned_up(process, lines, job, news, turn) {
        return Answer::Moved;
    }
    match addressed(process, lines, job, news) {
        Some((line, at)) => learn(&mut lines[line], at, news, turn),
        None => Answer::Stay,
    }
}

/// The line and the leg that a message is about; `None`: none that is open under this name.
fn addressed(process: &Process, lines: &[Line], job: Job, news: LegEvent) -> Option<(usize, usize)> {
    let line = lines.iter().position(|line| line.plan.line == job.line && job.round == process.round)?;
    let about = |run: &LegRun| match news {
        LegEvent::Ruled(_) => run.has_task() && run.open_number() == job.attempt,
        LegEvent::Granted(_)
        | LegEvent::Stock(_)
        | LegEvent::Parcel(_)
        | LegEvent::Return(_)
        | LegEvent::Money(_)
        | LegEvent::Visit(_)
        | LegEvent::TaskClosed => run.attempt == job.attempt,
    };
    let at = lines[line].runs.iter().position(|run| run.leg == job.leg && about(run))?;
    Some((line, at))
}

/// Why a line gave nothing, the reason that says most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nothing {
    /// All units were compensated before.
    Before,
    /// The goods never came.
    Returned,
    /// They came, and do not count.
    Accepted,
    /// It was planned so.
    Due,
}

impl Nothing {
    fn code(self) -> &'static str {
        match self {
            Self::Before => "ALREADY_COMPENSATED",
            Self::Returned => "NOTHING_RETURNED",
            Self::Accepted => "RETURN_NOT_ACCEPTED",
            Self::Due => "NOTHING_DUE",
        }
    }
}

impl Line {
    fn new(plan: &LinePlan) -> Self {
        let runs = plan.legs().into_iter().map(|leg| LegRun::new(leg, Purpose::Plan)).collect();
        Self { plan: plan.clone(), already_compensated: false, held: 0, given: 0, losses: 0, lost: Vec::new(), runs }
    }

    fn gave_nothing(&self) -> Option<Nothing> {
        match self.plan.resolution {
            _ if self.already_compensated => Some(Nothing::Before),
            Resolution::Reject => Some(Nothing::Due),
            Resolution::ReturnRefund if self.given == 0 => {
                let receipt = self.find(Leg::Receipt).map(|at| self.runs[at].count);
                let came = receipt.is_some_and(|count| count.came() > 0);
                Some(if came { Nothing::Accepted } else { Nothing::Returned })
            }
            Resolution::RefundOnly if self.given == 0 && !self.plan.only_with.is_empty() => Some(Nothing::Due),
            Resolution::ReturnRefund | Resolution::Replace | Resolution::Resend => None,
            Resolution::RefundOnly | Resolution::TechnicalSupport => None,
        }
    }

    /// What has not begun never does.
    pub(super) fn skip_the_rest(&mut self) {
        self.runs.iter_mut().filter(|run| run.state == RunState::Idle).for_each(|run| run.state = RunState::Skipped);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.runs.iter().all(LegRun::is_settled)
    }
}
