//! The legs of a line. What concerns one leg alone is in its file: when it begins, what it asks, what it learns, how it is
//! taken back, what a person may rule, whom it waits for. What all have in common is here.

pub mod entitlement;
pub mod parcel;
pub mod pickup;
pub mod receipt;
pub mod reservation;
pub(super) mod run;
pub mod settlement;
pub mod shipment;
pub mod support;
pub mod visit;

use proto::claim::{Leg as Word, Role, WaitingFor};
use serde::{Deserialize, Serialize};

use super::step_builder::StepBuilder;
use super::*;

/// One run of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Leg {
    /// What may still be given for the units.
    Entitlement,
    /// Stock.
    Reservation,
    /// Goods to the customer.
    Shipment,
    /// Goods from the customer: the carrier's part.
    Pickup,
    /// Goods from the customer: counted by the warehouse.
    Receipt,
    /// Money to the customer.
    Settlement,
    /// Advice.
    Support,
    /// A technician at the customer's.
    Visit,
}

/// How far a leg has come between being asked for and being done: its own progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Progress {
    Stock(reservation::Progress),
    /// Of a shipment or a pick-up.
    Parcel(parcel::Progress),
    Return(receipt::Progress),
    Visit(visit::Progress),
}

/// Why a leg failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Failure {
    Stock(reservation::Failure),
    /// Of a shipment or a pick-up.
    Parcel(parcel::Failure),
    /// Of a receipt: a question about what was counted.
    Return(receipt::Question),
    Money(settlement::Failure),
    /// Of advice.
    Support(support::Failure),
    Visit(visit::Failure),
}

/// What can be learnt about a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LegEvent {
    /// Entitlement: so many units were granted.
    Granted(u32),
    /// Reservation.
    Stock(Stock),
    /// Shipment, pick-up.
    Parcel(Parcel),
    /// Receipt.
    Return(Return),
    /// Settlement.
    Money(Money),
    /// Visit.
    Visit(visit::Visit),
    /// A task was decided.
    Ruled(Ruling),
    /// A task was taken off its list.
    TaskClosed,
}

impl Leg {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Entitlement,
        Self::Reservation,
        Self::Shipment,
        Self::Pickup,
        Self::Receipt,
        Self::Settlement,
        Self::Support,
        Self::Visit,
    ];

    /// The rules of the leg.
    pub(super) fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Entitlement => &entitlement::Entitlement,
            Self::Reservation => &reservation::Reservation,
            Self::Shipment => &shipment::Shipment,
            Self::Pickup => &pickup::Pickup,
            Self::Receipt => &receipt::Receipt,
            Self::Settlement => &settlement::Settlement,
            Self::Support => &support::Support,
            Self::Visit => &visit::OfTechnician,
        }
    }

    /// Its name in the contract.
    pub fn wire(self) -> Word {
        self.rules().word()
    }

    /// The leg of that name in the contract; `None`: none is given.
    pub fn of_wire(word: Word) -> Option<Self> {
        Self::ALL.into_iter().find(|leg| leg.wire() == word)
    }

    /// Whether its question is answered by people, who take their time.
    pub fn is_of_people(self) -> bool {
        self.rules().is_of_people()
    }

    /// Who can help when it has failed: the role of its work item.
    pub fn helper(self) -> Role {
        self.rules().helper()
    }
}

impl Progress {
    /// Stable detail code of the public event; empty: the world is not told.
    fn code(self) -> &'static str {
        match self {
            Self::Stock(progress) => progress.code(),
            Self::Parcel(progress) => progress.code(),
            Self::Return(progress) => progress.code(),
            Self::Visit(progress) => progress.code(),
        }
    }
}

impl Failure {
    /// Stable reason code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Stock(failure) => failure.code(),
            Self::Parcel(failure) => failure.code(),
            Self::Return(question) => question.code(),
            Self::Money(settlement::Failure::NotPaid) => "NOT_PAID",
            Self::Support(support::Failure::NotAdvised) => "NOT_ADVISED",
            Self::Visit(visit::Failure::VisitCancelled) => "VISIT_CANCELLED",
        }
    }
}

/// What a leg says to a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Moved,
    Stay,
    Broken,
    /// A person gives the leg up: all is undone, and another way is sought.
    GiveUp,
}

/// What concerns one leg alone. `at` is its place among the legs of the line.
pub(super) trait Rules: Sync {
    /// Its name in the contract.
    fn word(&self) -> Word;

    /// Who can help when it has failed.
    fn helper(&self) -> Role;

    /// The role of its work item, if it is not who helps.
    fn helper_of(&self, _state: RunState) -> Role {
        self.helper()
    }

    /// Whether its question is answered by people, who take their time.
    fn is_of_people(&self) -> bool {
        false
    }

    /// Whether the service that owns the leg says such a thing.
    fn says(&self, news: LegEvent) -> bool;

    /// Whether what must be there before it begins is there.
    fn may_begin(&self, line: &Line, at: usize) -> bool;

    /// What goes before its first question; false: there is nothing to do, it is skipped.
    fn prepare(&self, _line: &mut Line, _turn: &mut StepBuilder) -> bool {
        true
    }

    /// What is told when it has been asked for.
    fn begun(&self, _line: &Line, _at: usize, _turn: &mut StepBuilder) {}

    /// What is asked while it is `asked`, under way, or `undoing`, derived from the state alone.
    fn ask(&self, line: &Line, at: usize, job: Job) -> Option<Command>;

    /// What news of its service mean, while it is carried out and while it is undone: the state tells the two apart.
    fn learn(&self, line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer;

    /// Takes it back from where it is: asked for, under way, failed or done. Asked and not answered counts as done.
    fn take_back(&self, line: &mut Line, at: usize, turn: &mut StepBuilder);

    /// A person has decided what to do about its failure.
    fn ruled(
        &self,
        line: &mut Line,
        at: usize,
        _failure: Option<Failure>,
        ruling: Ruling,
        _turn: &mut StepBuilder,
    ) -> Answer {
        match ruling {
            Ruling::Deny => Answer::GiveUp,
            Ruling::Approve | Ruling::Retry => {
                line.runs[at].state = RunState::Idle;
                Answer::Moved
            }
        }
    }

    /// A person wants it tried again to undo it.
    fn undo_again(&self, _line: &mut Line, _at: usize, _turn: &mut StepBuilder) {}

    /// Whom it waits for while it is asked for, under way or being undone; unspecified: another leg must move first.
    fn waits_for(&self, _strand: &LegRun) -> WaitingFor {
        WaitingFor::System
    }

    /// The kind of the task that is open when it has failed.
    fn task(&self, _failure: Failure, purpose: Purpose) -> Task {
        match purpose {
            Purpose::Plan => Task::LegFailed,
            Purpose::BringBack { .. } | Purpose::Surplus => Task::CompensationFailed,
        }
    }

    /// Units that a public event names.
    fn units(&self, line: &Line, _at: usize) -> u32 {
        line.units()
    }
}

/// Takes a leg back, from wherever it is.
pub(super) fn take_back(line: &mut Line, at: usize, turn: &mut StepBuilder) {
    match line.runs[at].state {
        RunState::Idle => line.runs[at].state = RunState::Skipped,
        RunState::Skipped | RunState::Undoing | RunState::UndoFailed | RunState::Undone => {}
        RunState::Asked | RunState::Working(_) | RunState::Done => line.runs[at].leg.rules().take_back(line, at, turn),
        RunState::Failed(_) => {
            turn.close_task(line, at);
            line.runs[at].leg.rules().take_back(line, at, turn);
        }
    }
}

/// What a message about a leg means.
pub(super) fn learn(line: &mut Line, at: usize, news: LegEvent, turn: &mut StepBuilder) -> Answer {
    match news {
        LegEvent::Granted(_)
        | LegEvent::Stock(_)
        | LegEvent::Parcel(_)
        | LegEvent::Return(_)
        | LegEvent::Money(_)
        | LegEvent::Visit(_) => line.runs[at].leg.rules().learn(line, at, news, turn),
        LegEvent::Ruled(ruling) => ruled(line, at, ruling, turn),
        // It was closed because we said so.
        LegEvent::TaskClosed => Answer::Stay,
    }
}

/// A person has decided about a leg. An answer that does not fit the task is read as the nearest that does, because the
/// task is closed by then and the claim must not be left waiting for nobody.
fn ruled(line: &mut Line, at: usize, ruling: Ruling, turn: &mut StepBuilder) -> Answer {
    let rules = line.runs[at].leg.rules();
    match line.runs[at].state {
        RunState::UndoFailed => {
            match ruling {
                // It is left as it is: given for good, or settled by hand.
                Ruling::Approve | Ruling::Deny => turn.put(line, at, RunState::Done),
                Ruling::Retry => rules.undo_again(line, at, turn),
            }
            Answer::Moved
        }
        RunState::Failed(failure) => rules.ruled(line, at, Some(failure), ruling, turn),
        RunState::Asked => rules.ruled(line, at, None, ruling, turn),
        RunState::Idle
        | RunState::Working(_)
        | RunState::Done
        | RunState::Skipped
        | RunState::Undoing
        | RunState::Undone => Answer::Stay,
    }
}
