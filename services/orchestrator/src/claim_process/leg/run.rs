//! One leg of a line: how far it is, its names, and its question.

use jiff::civil::Date;
use proto::claim::LegState;
use serde::{Deserialize, Serialize};

use super::*;

/// One leg of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LegRun {
    /// Whose it is.
    pub leg: Leg,
    /// What for.
    pub purpose: Purpose,
    /// How far it is.
    pub state: RunState,
    /// Number of the current attempt; 0: none yet.
    pub attempt: u16,
    /// Number last used, by an attempt or by a task about one.
    pub last: u16,
    /// The customer was told that it is late.
    pub late: bool,
    /// The day on which it is expected, as it was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// What happened last on the way and is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Incident>,
    /// Number of the last incident; 0: none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub incidents: u32,
    /// What was counted, for a receipt.
    pub count: Count,
}

fn is_none(number: &u32) -> bool {
    *number == 0
}

/// What a leg is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// The plan wants it.
    Plan,
    /// It brings a parcel of ours back.
    BringBack {
        /// The shipment that comes back.
        shipment: u16,
    },
    /// A parcel that is not wanted any more: another one has arrived after all.
    Surplus,
}

/// How far a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RunState {
    /// Something else must be done first.
    Idle,
    /// Asked; no answer yet.
    Asked,
    Done,
    /// Not needed any more before it began.
    Skipped,
    /// Failed; a task is open, numbered `last`.
    Failed(Failure),
    /// Asked to undo it; no answer yet. A settlement: finance has not answered yet.
    Undoing,
    /// It cannot be undone; a task is open, numbered `last`.
    UndoFailed,
    /// It is as if it had never been.
    Undone,
    /// Under way: how far is the leg's own.
    #[serde(untagged)]
    Working(Progress),
}

/// What happens on the way and changes no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Incident {
    /// Delivery was tried, and nobody was there.
    Attempted,
    /// It waits at a pick-up point for the customer.
    ToCollect,
    /// Customs want a paper.
    CustomsHold,
    /// The carrier came to fetch it, and nobody was there.
    NobodyThere,
    /// The carrier came to fetch it, and it was not ready.
    NotReady,
    /// Nothing holds it any more.
    GoesOn,
    /// The carrier has its own number for it, or comes on another day.
    Confirmed,
    /// Not all of it was there, and a person was asked.
    Incomplete,
}

impl Incident {
    /// Stable reason code.
    pub(in super::super) fn reason(self) -> &'static str {
        match self {
            Self::Attempted => "DELIVERY_ATTEMPTED",
            Self::ToCollect => "HELD_FOR_COLLECTION",
            Self::CustomsHold => "CUSTOMS_HOLD",
            Self::NobodyThere => "PICKUP_NOBODY_THERE",
            Self::NotReady => "PICKUP_NOT_READY",
            Self::GoesOn => "GOES_ON",
            Self::Confirmed => "BOOKING_CONFIRMED",
            Self::Incomplete => "DELIVERED_INCOMPLETE",
        }
    }
}

/// Counted units of a return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Count {
    /// Units that count for the claim.
    pub accepted: u32,
    /// Everything else that came.
    pub other: u32,
    /// Of those, units that a person must still decide about: damaged although the claim is not about that, or not faulty
    /// although it is.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unclear: u32,
    /// Of those, units of another article that a person must still decide about.
    #[serde(default, skip_serializing_if = "is_none")]
    pub wrong_item: u32,
}

impl LegRun {
    pub(in super::super) fn new(leg: Leg, purpose: Purpose) -> Self {
        Self {
            leg,
            purpose,
            state: RunState::Idle,
            attempt: 0,
            last: 0,
            late: false,
            day: None,
            held: None,
            incidents: 0,
            count: Count::default(),
        }
    }

    /// Nothing more will be asked about it.
    pub(in super::super) fn is_settled(&self) -> bool {
        matches!(self.state, RunState::Done | RunState::Skipped | RunState::Undone)
    }

    pub(in super::super) fn has_task(&self) -> bool {
        matches!(self.state, RunState::Failed(_) | RunState::UndoFailed)
            || (self.leg == Leg::Support && self.state == RunState::Asked)
    }

    /// The number under which the open question about it is known.
    pub(in super::super) fn open_number(&self) -> u16 {
        if matches!(self.state, RunState::Failed(_) | RunState::UndoFailed) { self.last } else { self.attempt }
    }

    /// The reason that a person reads.
    pub(in super::super) fn reason(&self) -> &'static str {
        match self.state {
            RunState::Failed(failure) => failure.code(),
            RunState::UndoFailed => "CANNOT_BE_UNDONE",
            RunState::Idle
            | RunState::Asked
            | RunState::Working(_)
            | RunState::Done
            | RunState::Skipped
            | RunState::Undoing
            | RunState::Undone => "ADVICE",
        }
    }

    /// The kind of the task that is open about it.
    fn task(&self) -> Task {
        match self.state {
            RunState::Failed(failure) => self.leg.rules().task(failure, self.purpose),
            RunState::UndoFailed => Task::CompensationFailed,
            RunState::Idle
            | RunState::Asked
            | RunState::Working(_)
            | RunState::Done
            | RunState::Skipped
            | RunState::Undoing
            | RunState::Undone => Task::Support,
        }
    }
}

impl RunState {
    /// How the world is told of it; `None`: it is not.
    pub(in super::super) fn told(self) -> Option<(LegState, &'static str)> {
        match self {
            RunState::Idle | RunState::Skipped | RunState::Undoing => None,
            RunState::Asked => Some((LegState::Started, "")),
            RunState::Working(progress) => {
                Some((LegState::Progressed, progress.code())).filter(|(_, code)| !code.is_empty())
            }
            RunState::Done => Some((LegState::Done, "")),
            // It was counted; what is not as announced is looked into.
            RunState::Failed(Failure::Return(question)) => Some((LegState::Progressed, question.code())),
            RunState::Failed(failure) => Some((LegState::Failed, failure.code())),
            RunState::UndoFailed => Some((LegState::Failed, "CANNOT_BE_UNDONE")),
            RunState::Undone => Some((LegState::Undone, "")),
        }
    }
}

impl Count {
    /// Everything that came.
    pub(in super::super) fn came(self) -> u32 {
        self.accepted + self.other
    }
}

impl Line {
    /// Units that are for the customer.
    pub(in super::super) fn units(&self) -> u32 {
        self.held + self.given
    }

    /// Where the leg of the plan is.
    pub(in super::super) fn find(&self, leg: Leg) -> Option<usize> {
        self.find_for(leg, Purpose::Plan)
    }

    pub(in super::super) fn find_for(&self, leg: Leg, purpose: Purpose) -> Option<usize> {
        self.runs.iter().position(|run| run.leg == leg && run.purpose == purpose)
    }

    pub(in super::super) fn state_of(&self, leg: Leg) -> Option<RunState> {
        self.find(leg).map(|at| self.runs[at].state)
    }

    pub(in super::super) fn is_done(&self, leg: Leg) -> bool {
        self.state_of(leg) == Some(RunState::Done)
    }

    /// A number that no attempt at this leg, and no task about one, has had in this round.
    pub(in super::super) fn next_number(&self, leg: Leg, numbers: u16) -> u16 {
        let last = self.runs.iter().filter(|run| run.leg == leg).map(|run| run.last).max();
        last.unwrap_or(0).max(numbers) + 1
    }

    /// The name of the current attempt.
    pub(in super::super) fn job(&self, round: u16, at: usize) -> Job {
        let run = &self.runs[at];
        Job { round, line: self.plan.line, leg: run.leg, attempt: run.attempt }
    }

    /// The name under which the ledger knows the line.
    pub(in super::super) fn grant(&self, round: u16) -> Job {
        let attempt = self.find(Leg::Entitlement).map_or(0, |at| self.runs[at].attempt);
        Job { round, line: self.plan.line, leg: Leg::Entitlement, attempt }
    }

    /// The question that is open about a leg. It is derived from the state alone, so that what is asked at first and
    /// what is asked again are the same.
    pub(in super::super) fn question(&self, round: u16, at: usize) -> Option<Command> {
        let run = &self.runs[at];
        let job = self.job(round, at);
        if run.has_task() {
            let job = Job { attempt: run.open_number(), ..job };
            return Some(Command::OpenTask { job, kind: run.task(), reason: run.reason() });
        }
        run.leg.rules().ask(self, at, job)
    }
}
