//! What a claim is waiting for, and from whom: derived from the process, never stored beside it.

use proto::claim::{ClaimState, LegState, WaitingFor};

use super::*;

/// One leg, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegStatus {
    /// The current attempt.
    pub job: Job,
    /// How far it is.
    pub state: LegState,
    /// Whom it waits for.
    pub waiting_for: WaitingFor,
}

/// Every open question, asked again after a crash or a long silence. Each is what was asked at first, word for word.
pub fn waiting_for(process: &Process) -> Vec<Command> {
    let Process { round, assessment, plan, .. } = *process;
    match &process.stage {
        Stage::Assessing { reason } | Stage::Investigating { reason, .. } => {
            vec![Command::Assess { assessment, plan: plan + 1, reason: *reason }]
        }
        Stage::AwaitingCustomer { line, reason } => {
            vec![Command::AskCustomer { question: assessment, line: *line, reason: reason.clone() }]
        }
        Stage::AwaitingApproval(plan) => vec![Command::RequestApproval { plan: plan.number }],
        Stage::AwaitingConsent(plan) => vec![Command::ProposePlan { plan: plan.number }],
        Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => {
            let legs = |line: &Line| (0..line.runs.len()).filter_map(|at| line.question(round, at)).collect::<Vec<_>>();
            lines.iter().flat_map(legs).collect()
        }
        Stage::FollowingUp => vec![Command::StartFollowUp { round }],
        Stage::Ended { .. } => vec![],
    }
}

/// What the customer is asked, and may never answer. A follow-up is over by itself.
pub fn asked(process: &Process) -> Option<Asked> {
    match &process.stage {
        Stage::AwaitingCustomer { .. } => Some(Asked::Question(process.assessment)),
        Stage::AwaitingConsent(plan) => Some(Asked::Plan(plan.number)),
        Stage::Assessing { .. } | Stage::Investigating { .. } | Stage::AwaitingApproval(_) => None,
        Stage::Executing { .. } | Stage::Compensating { .. } | Stage::FollowingUp | Stage::Ended { .. } => None,
    }
}

/// Where the claim is, in the words of the contract.
pub fn state(process: &Process) -> ClaimState {
    match &process.stage {
        Stage::Assessing { .. } => ClaimState::Assessing,
        Stage::Investigating { .. } => ClaimState::Investigating,
        Stage::AwaitingCustomer { .. } => ClaimState::AwaitingCustomer,
        Stage::AwaitingApproval(_) => ClaimState::AwaitingApproval,
        Stage::AwaitingConsent(_) => ClaimState::AwaitingConsent,
        Stage::Executing { .. } => ClaimState::Executing,
        Stage::Compensating { .. } => ClaimState::Compensating,
        Stage::FollowingUp => ClaimState::FollowingUp,
        Stage::Ended { outcome, .. } => match outcome {
            Outcome::Closed => ClaimState::Closed,
            Outcome::Rejected => ClaimState::Rejected,
            Outcome::Withdrawn => ClaimState::Withdrawn,
            Outcome::Duplicate => ClaimState::Duplicate,
        },
    }
}

/// The legs that have begun, by line.
pub fn leg_statuses(process: &Process) -> Vec<LegStatus> {
    let (Stage::Executing { lines, .. } | Stage::Compensating { lines, .. }) = &process.stage else { return vec![] };
    let begun = |line: &Line| {
        let begun = (0..line.runs.len()).filter(|at| line.runs[*at].attempt > 0);
        begun.map(|at| line.status(process.round, at)).collect::<Vec<_>>()
    };
    lines.iter().flat_map(begun).collect()
}

/// Whether an event answers what was never asked: no correct sender says it.
pub(super) fn was_never_asked(process: &Process, event: &Event) -> bool {
    match event {
        Event::Judged { assessment, .. } | Event::Refused { assessment, .. } => *assessment > process.assessment,
        Event::PersonNeeded { assessment, .. } | Event::AnswerNeeded { assessment, .. } => {
            *assessment > process.assessment
        }
        Event::CustomerAnswered { question } | Event::NoAnswer { asked: Asked::Question(question), .. } => {
            *question > process.assessment
        }
        Event::NoAnswer { asked: Asked::Plan(plan), .. } => *plan > process.plan,
        Event::ApprovalGranted { plan } | Event::ApprovalDenied { plan } | Event::PlanAnswered { plan, .. } => {
            *plan > process.plan
        }
        Event::FollowUpAnswered { round, .. } | Event::FollowUpLapsed { round } => *round > process.round,
        Event::ReadBackConfirmed | Event::ContactLogged | Event::Withdrawn | Event::Duplicate => false,
        Event::ClockMoved => false,
        Event::DeadlineMoved { round, .. } => *round > process.round,
        Event::Work { job, news } => {
            let known = match &process.stage {
                Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => last_number(lines, *job),
                Stage::Assessing { .. } | Stage::Investigating { .. } | Stage::AwaitingCustomer { .. } => 0,
                Stage::AwaitingApproval(_) | Stage::AwaitingConsent(_) | Stage::FollowingUp => 0,
                Stage::Ended { .. } => 0,
            };
            let is_late = process.late.iter().any(|late| late.job() == *job);
            let unknown = job.round == process.round && job.attempt > known.max(process.numbers) && !is_late;
            !news.fits(job.leg) || job.attempt == 0 || job.round > process.round || unknown
        }
    }
}

fn last_number(lines: &[Line], job: Job) -> u16 {
    let runs = lines.iter().filter(|line| line.plan.line == job.line).flat_map(|line| &line.runs);
    runs.filter(|run| run.leg == job.leg).map(|run| run.last).max().unwrap_or(0)
}

impl LegEvent {
    /// Whether the service that owns the leg says such a thing, or whoever decides.
    fn fits(self, leg: Leg) -> bool {
        matches!(self, LegEvent::Ruled(_) | LegEvent::TaskClosed) || leg.rules().says(self)
    }
}

impl Line {
    fn status(&self, round: u16, at: usize) -> LegStatus {
        let run = &self.runs[at];
        let state = match run.state {
            RunState::Idle | RunState::Asked => LegState::Started,
            RunState::Working(_) | RunState::Undoing => LegState::Progressed,
            RunState::Skipped | RunState::Undone => LegState::Undone,
            RunState::Done => LegState::Done,
            // It was counted; what is not as announced is looked into.
            RunState::Failed(Failure::Return(_)) => LegState::Progressed,
            RunState::Failed(_) | RunState::UndoFailed => LegState::Failed,
        };
        LegStatus { job: self.job(round, at), state, waiting_for: run.waits_for() }
    }
}
