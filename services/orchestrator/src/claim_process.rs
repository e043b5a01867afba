//! The whole life of a claim, as a pure function.
//!
//! A claim is judged, approved, agreed, carried out and closed; at any moment it may be given up, and then what was done
//! is undone. [`step`] is the only place where a claim moves: from where the claim is and what has just been learnt it
//! says where the claim is now and what to ask of the others. The handler stores and sends that in one transaction.
//!
//! What keeps it honest:
//! - Every stage answers every event, so a new event does not compile until each stage has said what it means there.
//! - Each piece of work has a name ([`Job`]), chosen here and repeated in every answer, and no name is used twice: late,
//!   repeated and crossed answers are harmless by comparison of names.
//! - Work whose fate is unknown counts as done, because only then is it undone.
//! - `claim_process/tests.rs` walks every order of every event and checks these promises in each past.
//!
//! How the lines of a plan are carried out is in `claim_process/execution.rs`, each leg in a file of `leg/`, how all that is
//! undone in `undo.rs`. What was
//! bought, at which price, and who the customer is stays with the handler: the process knows units only.
#![deny(clippy::wildcard_enum_match_arm)]

mod again;
mod command;
mod event;
mod execution;
mod late;
pub mod leg;
mod limits;
mod questions;
mod stage;
mod step_builder;
mod surplus;
#[cfg(test)]
mod tests;
mod undo;
mod waiting;

pub use again::{RetryPolicy, ask_again, retry_policy};
pub use command::*;
pub use event::*;
pub use leg::run::{Count, Incident, LegRun, Purpose, RunState};
pub use leg::visit::Visit;
pub use leg::{Failure, Leg, LegEvent, Progress};
pub use limits::{EVENTS_FULL, EVENTS_MAX, PLANS_MAX, ROUNDS_MAX, STATE_FULL, STATE_MAX, step_within};
pub use questions::{LegStatus, asked, leg_statuses, state, waiting_for};
pub use stage::*;
use step_builder::StepBuilder;
pub use waiting::{Waits, waits, waits_for};

/// The process of a new claim, and what it asks first. `acknowledge`: on its channel a person of ours answers the report
/// (S0-13, S1-08).
pub fn start(acknowledge: bool) -> (Process, Vec<Command>) {
    let mut process = Process {
        round: 1,
        assessment: 0,
        plan: 0,
        numbers: 0,
        acknowledged: !acknowledge,
        unfit: 0,
        heard: false,
        late: Vec::new(),
        stage: Stage::Assessing { reason: AssessReason::New },
    };
    let mut kinds = vec![Clock::FirstFeedback, Clock::FinalSolution];
    if acknowledge {
        kinds.push(Clock::Acknowledgement);
    }
    let mut commands = vec![Command::Announce(Fact::Submitted), Command::StartClocks { round: 1, kinds }];
    commands.push(process.assess(AssessReason::New));
    (process, commands)
}

/// Where a claim is after an event, and what to ask, if it may be full.
pub type Stepping = fn(&Process, &Event, bool) -> Step;

/// Where the claim is after an event, and what to ask. Pure.
pub fn step(process: &Process, event: &Event) -> Step {
    if questions::was_never_asked(process, event) {
        return Step::Broken;
    }
    if let Some(step) = late::late(process, event) {
        return step;
    }
    match &process.stage {
        Stage::Assessing { reason } => assessing(process, *reason, event),
        Stage::Investigating { reason, why, .. } => investigating(process, *reason, why, event),
        Stage::AwaitingCustomer { .. } => awaiting_customer(process, event),
        Stage::AwaitingApproval(plan) => awaiting_approval(process, plan, event),
        Stage::AwaitingConsent(plan) => awaiting_consent(process, plan, event),
        Stage::Executing { follow_up, lines } => execution::executing(process, *follow_up, lines, event),
        Stage::Compensating { lines, then } => undo::compensating(process, lines, *then, event),
        Stage::FollowingUp => following_up(process, event),
        Stage::Ended { .. } => ended(event),
    }
}

fn assessing(process: &Process, reason: AssessReason, event: &Event) -> Step {
    match event {
        Event::PersonNeeded { assessment, reason: why, role } if *assessment == process.assessment => {
            let asked = Fact::PersonAsked { reason: why.clone(), line: 0 };
            let retarget = Command::RetargetClocks { round: process.round };
            let commands = vec![Command::Announce(Fact::Assessed), retarget, Command::Announce(asked)];
            Step::Go(process.at(Stage::Investigating { reason, why: why.clone(), role: *role }), commands)
        }
        Event::PersonNeeded { .. } => Step::Stay,
        Event::Judged { .. } | Event::Refused { .. } | Event::AnswerNeeded { .. } => being_judged(process, event),
        Event::Withdrawn | Event::Duplicate => being_judged(process, event),
        Event::ReadBackConfirmed | Event::ContactLogged => being_judged(process, event),
        Event::ClockMoved | Event::DeadlineMoved { .. } => being_judged(process, event),
        Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } | Event::ApprovalDenied { .. } => Step::Stay,
        Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } | Event::FollowUpLapsed { .. } => Step::Stay,
        Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

fn investigating(process: &Process, reason: AssessReason, known: &str, event: &Event) -> Step {
    match event {
        // A claim from before it was kept whom it waits for: triage says it again when it is asked again.
        Event::PersonNeeded { assessment, reason: why, role }
            if *assessment == process.assessment && known.is_empty() && !why.is_empty() =>
        {
            Step::Go(process.at(Stage::Investigating { reason, why: why.clone(), role: *role }), vec![])
        }
        Event::PersonNeeded { .. } => Step::Stay,
        Event::Judged { .. } | Event::Refused { .. } | Event::AnswerNeeded { .. } => being_judged(process, event),
        Event::Withdrawn | Event::Duplicate => being_judged(process, event),
        Event::ReadBackConfirmed | Event::ContactLogged => being_judged(process, event),
        Event::ClockMoved | Event::DeadlineMoved { .. } => being_judged(process, event),
        Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } | Event::ApprovalDenied { .. } => Step::Stay,
        Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } | Event::FollowUpLapsed { .. } => Step::Stay,
        Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

/// What rules and persons have in common.
fn being_judged(process: &Process, event: &Event) -> Step {
    match event {
        Event::Judged { assessment, plan, fits } if *assessment == process.assessment => judged(process, plan, *fits),
        Event::Refused { assessment, reason } if *assessment == process.assessment => {
            end(process, Outcome::Rejected, reason, vec![Command::Announce(Fact::Assessed)])
        }
        Event::AnswerNeeded { assessment, line, reason } if *assessment == process.assessment => {
            let asked = Fact::QuestionAsked { question: *assessment, reason: reason.clone() };
            let ask = Command::AskCustomer { question: *assessment, line: *line, reason: reason.clone() };
            let mut commands = vec![ask];
            let process = hears(process, &mut commands);
            commands.extend([Command::PauseClocks, Command::Announce(asked)]);
            Step::Go(process.at(Stage::AwaitingCustomer { line: *line, reason: reason.clone() }), commands)
        }
        Event::Withdrawn => withdraw(process, CancelledQuestion::Assessment),
        Event::Duplicate => merge(process, CancelledQuestion::Assessment),
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::AnswerNeeded { .. } => Step::Stay,
        Event::PersonNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

fn awaiting_customer(process: &Process, event: &Event) -> Step {
    match event {
        Event::CustomerAnswered { question } if *question == process.assessment => {
            let answered = Command::Announce(Fact::QuestionAnswered { question: *question });
            assess(process, AssessReason::Answered, vec![Command::ResumeClocks, answered])
        }
        Event::NoAnswer { asked: Asked::Question(question), then } if *question == process.assessment => {
            no_answer(process, CancelledQuestion::Question, *then, vec![Command::ResumeClocks])
        }
        Event::Withdrawn => withdraw(process, CancelledQuestion::Question),
        Event::Duplicate => merge(process, CancelledQuestion::Question),
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

fn awaiting_approval(process: &Process, plan: &Plan, event: &Event) -> Step {
    match event {
        Event::ApprovalGranted { plan: number } if *number == plan.number => {
            let approved = Fact::Approved { plan: plan.number };
            agree(process, plan, vec![Command::Announce(approved)])
        }
        Event::ApprovalDenied { plan: number } if *number == plan.number => {
            assess(process, AssessReason::Denied, vec![Command::Announce(Fact::Denied { plan: plan.number })])
        }
        Event::Withdrawn => withdraw(process, CancelledQuestion::Approval),
        Event::Duplicate => merge(process, CancelledQuestion::Approval),
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

fn awaiting_consent(process: &Process, plan: &Plan, event: &Event) -> Step {
    match event {
        Event::PlanAnswered { plan: number, accepted: true } if *number == plan.number => {
            let consented = Fact::Consented { plan: plan.number };
            execution::begin(process, plan, vec![Command::Announce(consented)])
        }
        Event::PlanAnswered { plan: number, accepted: false } if *number == plan.number => {
            let refused = Fact::ConsentRefused { plan: plan.number };
            assess(process, AssessReason::ConsentRefused, vec![Command::Announce(refused)])
        }
        Event::NoAnswer { asked: Asked::Plan(number), then } if *number == plan.number => {
            no_answer(process, CancelledQuestion::Proposal, *then, vec![])
        }
        Event::Withdrawn => withdraw(process, CancelledQuestion::Proposal),
        Event::Duplicate => merge(process, CancelledQuestion::Proposal),
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

fn following_up(process: &Process, event: &Event) -> Step {
    match event {
        Event::FollowUpAnswered { round, score, low } if *round == process.round => {
            let answered = Command::Announce(Fact::FollowUpAnswered { round: *round, score: *score });
            match low {
                true if process.round < ROUNDS_MAX => reopen(process, *score, answered),
                true => end(process, Outcome::Closed, limits::ROUNDS, vec![answered]),
                false => end(process, Outcome::Closed, "", vec![answered]),
            }
        }
        Event::FollowUpLapsed { round } if *round == process.round => end(process, Outcome::Closed, "", vec![]),
        // All is done and was wanted: there is nothing to take back, and no need to ask any more.
        Event::Withdrawn | Event::Duplicate => end(process, Outcome::Closed, "", vec![]),
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
    }
}

fn ended(event: &Event) -> Step {
    match event {
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::Work { .. } | Event::Withdrawn | Event::Duplicate => Step::Stay,
        Event::ReadBackConfirmed | Event::ContactLogged | Event::NoAnswer { .. } => Step::Stay,
        Event::ClockMoved | Event::DeadlineMoved { .. } => Step::Stay,
    }
}

fn judged(process: &Process, plan: &Plan, fits: bool) -> Step {
    if plan.number != process.plan + 1 || plan.lines.is_empty() {
        return Step::Broken;
    }
    let process = Process { plan: plan.number, ..process.clone() };
    // What was allowed is what is carried out: a plan that rests on what is not so any more is made again.
    if !fits && process.unfit < limits::UNFIT_MAX {
        let process = Process { unfit: process.unfit + 1, ..process };
        return assess(&process, AssessReason::Basis, vec![Command::Announce(Fact::Assessed)]);
    }
    let process = Process { unfit: 0, ..process };
    let mut commands = vec![Command::Announce(Fact::Assessed), Command::Announce(Fact::Planned)];
    if plan.automatic {
        // Else the clocks hear how bad it is when the first feedback is stopped, or approval is asked for.
        if process.heard {
            commands.push(Command::RetargetClocks { round: process.round });
        }
        return agree(&process, plan, commands);
    }
    commands.push(Command::RequestApproval { plan: plan.number });
    commands.push(Command::Announce(Fact::ApprovalRequested { plan: plan.number }));
    Step::Go(process.at(Stage::AwaitingApproval(plan.clone())), commands)
}

/// The plan is approved: the customer agrees, or has agreed (S0-51).
fn agree(process: &Process, plan: &Plan, mut commands: Vec<Command>) -> Step {
    let process = hears(process, &mut commands);
    if plan.consented {
        commands.push(Command::Announce(Fact::Consented { plan: plan.number }));
        return execution::begin(&process, plan, commands);
    }
    commands.push(Command::ProposePlan { plan: plan.number });
    Step::Go(process.at(Stage::AwaitingConsent(plan.clone())), commands)
}

fn assess(process: &Process, reason: AssessReason, mut commands: Vec<Command>) -> Step {
    let mut process = process.clone();
    commands.push(process.assess(reason));
    Step::Go(process, commands)
}

fn reopen(process: &Process, score: u32, answered: Command) -> Step {
    let round = process.round + 1;
    let process = Process { round, numbers: 0, heard: false, ..process.clone() };
    let kinds = vec![Clock::FirstFeedback, Clock::FinalSolution];
    let reopened = Command::Announce(Fact::Reopened { round, score });
    assess(&process, AssessReason::Reopened, vec![answered, reopened, Command::StartClocks { round, kinds }])
}

/// Nothing was begun yet that must be undone, but for the open question.
fn withdraw(process: &Process, open: CancelledQuestion) -> Step {
    end_with(process, Outcome::Withdrawn, WITHDRAWN, Some(open), vec![open.command(process)])
}

/// The same of a claim that goes on as another one.
fn merge(process: &Process, open: CancelledQuestion) -> Step {
    end_with(process, Outcome::Duplicate, DUPLICATE, Some(open), vec![open.command(process)])
}

fn end(process: &Process, outcome: Outcome, reason: &str, commands: Vec<Command>) -> Step {
    end_with(process, outcome, reason, None, commands)
}

fn end_with(
    process: &Process,
    outcome: Outcome,
    reason: &str,
    taken_back: Option<CancelledQuestion>,
    mut commands: Vec<Command>,
) -> Step {
    let (reason, round) = (reason.to_owned(), process.round);
    commands.push(Command::EndClaim { outcome, reason: reason.clone() });
    commands.push(Command::StopClocks { round, kinds: vec![] });
    commands.push(Command::Announce(Fact::Ended { outcome, reason: reason.clone() }));
    Step::Go(process.at(Stage::Ended { outcome, reason, taken_back }), commands)
}

/// The customer hears something of substance from us: that was the first feedback (S0-15), and an answer to the report.
fn hears(process: &Process, commands: &mut Vec<Command>) -> Process {
    let mut kinds = vec![];
    kinds.extend((!process.heard).then_some(Clock::FirstFeedback));
    kinds.extend((!process.acknowledged).then_some(Clock::Acknowledgement));
    if !kinds.is_empty() {
        commands.push(Command::StopClocks { round: process.round, kinds });
    }
    Process { acknowledged: true, heard: true, ..process.clone() }
}

/// What moves no claim, wherever it is.
fn by_the_way(process: &Process, event: &Event) -> Step {
    match event {
        Event::ReadBackConfirmed => acknowledged(process),
        Event::ContactLogged => {
            let mut commands = vec![];
            let process = hears(process, &mut commands);
            if commands.is_empty() { Step::Stay } else { Step::Go(process, commands) }
        }
        Event::ClockMoved => Step::Go(process.clone(), vec![Command::Announce(Fact::ClockMoved)]),
        // What was kept in the meantime is promised no more.
        Event::DeadlineMoved { round, clock } => {
            let holds = match clock {
                Clock::Acknowledgement => !process.acknowledged,
                Clock::FirstFeedback => *round == process.round && !process.heard,
                Clock::FinalSolution => false,
            };
            if holds { Step::Go(process.clone(), vec![Command::MovePromises]) } else { Step::Stay }
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } | Event::Work { .. } => Step::Stay,
        Event::Withdrawn | Event::Duplicate => Step::Stay,
    }
}

/// The customer says nothing: what was asked is taken back, and a person finds another way, or the claim ends.
fn no_answer(process: &Process, open: CancelledQuestion, then: Silence, mut commands: Vec<Command>) -> Step {
    commands.insert(0, open.command(process));
    match then {
        Silence::Person => assess(process, AssessReason::NoAnswer, commands),
        Silence::End(outcome) => end_with(process, outcome, NO_ANSWER, Some(open), vec![open.command(process)]),
    }
}

fn acknowledged(process: &Process) -> Step {
    if process.acknowledged {
        return Step::Stay;
    }
    // Only the first round has such a clock.
    let stop = Command::StopClocks { round: 1, kinds: vec![Clock::Acknowledgement] };
    Step::Go(Process { acknowledged: true, ..process.clone() }, vec![stop])
}

/// Reason of a claim that the customer withdrew.
const WITHDRAWN: &str = "WITHDRAWN";
/// Reason of a claim that a person has merged into another one.
const DUPLICATE: &str = "DUPLICATE";
/// Reason of a claim that ended because the customer did not answer.
const NO_ANSWER: &str = "NO_ANSWER";

impl Process {
    fn at(&self, stage: Stage) -> Process {
        let Process { round, assessment, plan, numbers, acknowledged, unfit, heard, .. } = *self;
        Process { round, assessment, plan, numbers, acknowledged, unfit, heard, late: self.late.clone(), stage }
    }

    fn assess(&mut self, reason: AssessReason) -> Command {
        self.assessment += 1;
        self.stage = Stage::Assessing { reason };
        Command::Assess { assessment: self.assessment, plan: self.plan + 1, reason }
    }
}
