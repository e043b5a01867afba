//! Promises, approvals and work lists of one claim. Pure: no database, no broker, no ambient clock.
//!
//! - A clock counts the working time of a promise; it warns at 50 % and 75 %, and breaches once (domain rule 11). Its target
//!   is that of the severity, and follows when the claim is judged.
//!   A breach is kept for ever and climbs a ladder until somebody answers.
//! - An approval binds a snapshot of a plan and goes through a chain of roles; nobody approves their own proposal, and
//!   one person takes one step (domain rule 12).
//! - A work item waits for a role. What is asked again is answered again; what was taken back is never opened.
#![deny(clippy::wildcard_enum_match_arm)]

mod approvals;
mod clocks;
mod draft;
mod evolve;
mod retarget;
mod rules;
mod tasks;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chassis::{Meta, work};
use jiff::{SignedDuration, Timestamp};
use proto::ClaimId;
use proto::claim::{Channel, Plan};
use uuid::Uuid;

use draft::Draft;

pub use approvals::digest;
pub use chassis::work::ItemState;
pub use evolve::evolve;
pub use proto::claim::words::{Leg, Role, Severity};
pub use proto::escalation::words::{ClockKind, ClockState, Ruling, WorkKind};
pub use rules::{Level, Rules};
pub use words::{ApprovalState, fits};

// ---- Command

/// What can be asked about a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start clocks of a round.
    StartClocks {
        /// The round, from 1.
        round: u32,
        /// What for.
        kinds: BTreeSet<ClockKind>,
        /// Decides the targets; none: not judged yet.
        severity: Option<Severity>,
        /// Where the claim came from: some channels have less time.
        channel: Channel,
        /// From when they run; none: from now.
        from: Option<Timestamp>,
    },
    /// Stop clocks.
    StopClocks {
        /// What for.
        kinds: BTreeSet<ClockKind>,
        /// Clocks of later rounds go on; none: the newest round that is known.
        round: Option<u32>,
        /// When the promise was kept; none: now.
        at: Option<Timestamp>,
        /// By the newest judgement; none: not judged.
        severity: Option<Severity>,
    },
    /// The claim was judged: its clocks get the targets of the severity.
    RetargetClocks {
        /// The round.
        round: u32,
        /// By the newest judgement.
        severity: Severity,
    },
    /// The customer is asked: pause all clocks.
    PauseClocks,
    /// Let all clocks run again.
    ResumeClocks,
    /// The database says that a clock is due.
    Due {
        /// The clock.
        clock: ClockKey,
        /// When it became due.
        at: Timestamp,
    },
    /// Ask those who may approve a plan.
    RequestApproval {
        /// The plan.
        plan: Arc<Plan>,
        /// Severity of the claim; none: not judged.
        severity: Option<Severity>,
        /// Who has a hand in the claim.
        involved: Involved,
    },
    /// Take the request back.
    CancelApproval(u32),
    /// Put a task on a list.
    OpenTask {
        /// The work.
        task: Task,
        /// Kind.
        kind: WorkKind,
        /// Why, stable code.
        reason: String,
        /// Whom it waits for.
        role: Role,
        /// Who has a hand in the claim.
        involved: Involved,
    },
    /// Take a task off its list.
    CloseTask(Task),
    /// Holidays may be known now that were not when deadlines of the claim were reckoned.
    Reckon,
    /// The database says that a work item is overdue.
    Overdue(Uuid),
    /// A work item is to change hands.
    Work(work::Asked),
    /// A person decides.
    DecideWorkItem {
        /// The work item.
        item: Uuid,
        /// The version that was read.
        etag: String,
        /// The decision.
        ruling: Ruling,
        /// Why.
        note: String,
    },
}

// ---- Event

/// What happened to a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A new round of the claim is known.
    RoundBegun(u32),
    /// It is known where the claim came from.
    ChannelKnown(Channel),
    /// It is known who has a hand in the claim.
    InvolvedKnown(Involved),
    /// A promise needs no clock any more, up to a round.
    KindStopped(ClockKind, u32),
    /// All clocks are paused.
    Paused(Timestamp),
    /// All clocks run again.
    Resumed,
    /// A clock was started.
    ClockStarted(Clock),
    /// A clock was paused with this working time left.
    ClockPaused(ClockKey, SignedDuration),
    /// A clock runs again: as it is now.
    ClockResumed(Clock),
    /// A clock has the target, or the ladder, of another severity: the clock as it is now.
    ClockRetargeted(Clock),
    /// The deadline of a clock was reckoned by what is known now: the clock as it is, and when it was due before.
    ClockReckoned(Clock, Timestamp),
    /// A clock was stopped: when its promise was kept.
    ClockStopped(ClockKey, Timestamp),
    /// The promise of a breached clock was kept, and when.
    KeptAfterBreach(ClockKey, Timestamp),
    /// A clock warned: percent, its deadline, when it is due next.
    ClockWarned(ClockKey, u32, Timestamp, Timestamp),
    /// A clock was breached: its deadline, and the escalation that was raised.
    ClockBreached(ClockKey, Timestamp, Uuid),
    /// A breach was raised to a level; when the next level is due.
    LevelRaised(Escalation, Option<Timestamp>),
    /// A breach climbs no further.
    LadderEnded(ClockKey),
    /// A plan waits for approval.
    ApprovalRequested(Approval),
    /// A plan was approved, by whom.
    ApprovalGranted(u32, String),
    /// A plan was denied, by whom.
    ApprovalDenied(u32, String),
    /// The request was taken back.
    ApprovalCancelled(u32),
    /// Something waits for a person.
    ItemOpened(Item),
    /// Somebody has decided: what, who, why and when.
    ItemDecided(Uuid, Ruling, work::Ended),
    /// It was taken off its list.
    ItemClosed(Uuid, Timestamp),
    /// It has changed hands.
    ItemMoved(work::Change),
    /// Nobody has decided in time; told once. Whom it was raised to, and when.
    ItemOverdue(Uuid, Role, Timestamp),
    /// A task is never to be opened again.
    TaskWithdrawn(Task),
    /// The answer about a task: it was decided.
    TaskDecided(Uuid),
    /// The answer about a task: it is off its list.
    TaskClosed(Task),
}

// ---- State

/// Everything of one claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The claim.
    pub id: ClaimId,
    /// What is remembered of it.
    pub head: Head,
    /// Its clocks.
    pub clocks: BTreeMap<ClockKey, Clock>,
    /// Its approvals by plan number.
    pub approvals: BTreeMap<u32, Approval>,
    /// Its work items.
    pub items: BTreeMap<Uuid, Item>,
    /// Tasks that were taken back.
    pub withdrawn: BTreeSet<Task>,
    /// Escalations that are new.
    pub raised: Vec<Escalation>,
    /// How work items have changed hands, where that is new.
    pub moved: Vec<work::Change>,
}

/// What is remembered of a claim itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number a customer can quote.
    pub number: String,
    /// Where the claim came from, if that was told.
    pub channel: Channel,
    /// The version of the policy pack that it goes by; 0: the oldest.
    pub policy_version: u32,
    /// Newest round known; 0: none.
    pub round: u32,
    /// Since when all clocks are paused.
    pub paused_since: Option<Timestamp>,
    /// Newest round in which a kind needs no clock any more.
    pub stopped: BTreeMap<ClockKind, u32>,
    /// Who has a hand in the claim, as far as it was told.
    pub involved: Involved,
}

/// Who has a hand in a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Involved {
    /// Staff and systems that reported it, or answered for the customer.
    pub subjects: BTreeSet<String>,
    /// The customer; empty: not told.
    pub customer_ref: String,
    /// Who said that a payment failed.
    pub failed_by: BTreeSet<String>,
}

/// Names a clock of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockKey {
    /// What for.
    pub kind: ClockKind,
    /// Round of the claim; for an approval the number of the plan.
    pub round: u32,
}

/// A running deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Its name.
    pub key: ClockKey,
    /// State.
    pub state: ClockState,
    /// Decides its target and its ladder.
    pub severity: Severity,
    /// Working time allowed.
    pub target: SignedDuration,
    /// When it started.
    pub started_at: Timestamp,
    /// Since when it counts without a pause.
    pub counted_from: Timestamp,
    /// Working time that was left then.
    pub left: SignedDuration,
    /// When it is due.
    pub deadline: Timestamp,
    /// The deadline lies where holidays are not known yet.
    pub provisional: bool,
    /// Highest warning given: 0, 50 or 75.
    pub warned: u32,
    /// First breach: the deadline that was missed.
    pub breached_at: Option<Timestamp>,
    /// Level of the ladder that was reached; 0: none.
    pub level: u32,
    /// When something is to be done next.
    pub next_at: Option<Timestamp>,
    /// When its promise was kept.
    pub stopped_at: Option<Timestamp>,
}

/// A level that a breach was raised to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Its name.
    pub id: Uuid,
    /// The clock.
    pub clock: ClockKey,
    /// Level, from 1.
    pub level: u32,
    /// Whom it was raised to.
    pub role: Role,
    /// When.
    pub raised_at: Timestamp,
    /// The deadline that was missed.
    pub deadline: Timestamp,
}

/// An approval of one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// The number of the plan.
    pub plan_number: u32,
    /// State.
    pub state: ApprovalState,
    /// The snapshot; none: it was cancelled before it came.
    pub plan: Option<Snapshot>,
    /// Those who approve, in order.
    pub chain: Vec<Role>,
    /// Who decided; empty: nobody.
    pub decided_by: String,
}

/// A plan as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The plan.
    pub plan: Arc<Plan>,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What every work item has.
    pub work: work::Item,
    /// Kind.
    pub kind: WorkKind,
    /// What it is about.
    pub about: About,
    /// It was told that it is overdue.
    pub overdue: bool,
    /// What was decided.
    pub ruling: Option<Ruling>,
}

/// What a work item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A piece of work.
    Task(Task),
    /// A step of an approval.
    Step {
        /// The plan.
        plan: u32,
        /// The step, from 1.
        step: u32,
        /// Steps in all.
        steps: u32,
    },
    /// A clock that was breached.
    Clock(ClockKey),
}

/// Names a task: the work it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Task {
    /// Round of the claim, from 1.
    pub round: u32,
    /// Line of the claim, from 1.
    pub line: u32,
    /// Attempt, from 1.
    pub attempt: u32,
    /// The leg.
    pub leg: Leg,
}

// ---- Refusal

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// By the rules of all work items.
    #[error(transparent)]
    Work(#[from] work::Refusal),
    /// Nobody approves their own proposal.
    #[error("nobody decides on their own proposal")]
    OwnProposal,
    /// Nobody decides on a claim that they have a hand in.
    #[error(
        "who reported a claim, answered for the customer or is the customer does not decide what gives money or goods"
    )]
    OwnClaim,
    /// One person takes one step of a chain.
    #[error("one person takes one step of an approval")]
    AlreadyApproved,
    /// The work was tried too often: it is only ended (P56).
    #[error("it was tried too often; it can only be given up or let be")]
    TriedTooOften,
    /// The ruling does not answer what is asked.
    #[error("the ruling does not fit this kind of work item")]
    RulingUnfit,
    /// The same plan number was asked for with another plan.
    #[error("another plan was asked for under the number {0}")]
    SnapshotChanged(u32),
}

// ---- decide

/// Decides what a command does to a claim.
pub fn decide(rules: &Rules, claim: &Claim, meta: &Meta, command: &Command) -> Result<Vec<Event>, Refusal> {
    let mut draft = Draft::new(rules, claim, meta);
    match command {
        Command::StartClocks { round, kinds, severity, channel, from } => {
            clocks::start(&mut draft, *round, kinds, *severity, *channel, from.unwrap_or(meta.now));
        }
        Command::StopClocks { kinds, round, at, severity } => {
            clocks::stop(&mut draft, kinds, *round, *at, *severity);
        }
        Command::RetargetClocks { round, severity } => retarget::round(&mut draft, *round, *severity),
        Command::PauseClocks => clocks::pause(&mut draft),
        Command::ResumeClocks => clocks::resume(&mut draft),
        Command::Due { clock, at } => clocks::due(&mut draft, *clock, *at),
        Command::RequestApproval { plan, severity, involved } => {
            tasks::involved(&mut draft, involved);
            approvals::request(&mut draft, plan, *severity)?;
        }
        Command::CancelApproval(plan) => approvals::cancel(&mut draft, *plan),
        Command::OpenTask { task, kind, reason, role, involved } => {
            tasks::involved(&mut draft, involved);
            tasks::open(&mut draft, *task, *kind, reason, *role);
        }
        Command::CloseTask(task) => tasks::close(&mut draft, *task),
        Command::Reckon => retarget::reckon(&mut draft),
        Command::Overdue(item) => tasks::overdue(&mut draft, *item),
        Command::Work(asked) => tasks::hand_over(&mut draft, asked)?,
        Command::DecideWorkItem { item, etag, ruling, note } => {
            tasks::decide(&mut draft, *item, etag, *ruling, note)?;
        }
    }
    Ok(draft.events)
}

#[cfg(test)]
mod tests;
