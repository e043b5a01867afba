//! Where a claim is: stages, lines and legs, in the form that is stored.

use proto::claim::{self, Role};
use serde::{Deserialize, Serialize};

use super::leg::Leg;
use super::leg::run::LegRun;

/// Newest version of the stored form of [`Process`] that is read. Old forms are read for ever, so it only grows. The second
/// has plans with legs of their own; a claim is stored in the oldest form that can say it.
pub const FORMAT: i16 = 2;

/// Lost or damaged goods are sent again by themselves this often; then a person decides.
pub const LOSSES_MAX: u8 = 2;

/// Where a claim is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Round, from 1; a low score begins the next.
    pub round: u16,
    /// Number of the last assessment that was asked for; 0: none yet.
    pub assessment: u32,
    /// Number of the last plan that was made; 0: none yet.
    pub plan: u32,
    /// Greatest attempt number that the earlier plans of this round have used.
    pub numbers: u16,
    /// The customer has had an answer to the report from a person of ours, or need not have one.
    pub acknowledged: bool,
    /// Plans in a row that did not fit what is left, and were made again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unfit: u8,
    /// The customer has heard something of substance in this round: a question, a plan, or a person of ours (S0-15).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heard: bool,
    /// Goods that came when they were expected no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<Late>,
    pub stage: Stage,
}

/// Goods that came when they were expected no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Late {
    pub receipt: Job,
    /// Everything that had come for it by then.
    pub came: u32,
    /// Number of the task about them.
    pub task: u16,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// What is being done about a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Triage is judging by rules.
    Assessing {
        /// Why.
        reason: AssessReason,
    },
    /// A person decides what the rules could not.
    Investigating {
        /// Why the claim is assessed.
        reason: AssessReason,
        /// Why a person is needed, stable code; empty: it was not kept.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
        /// Whom it waits for.
        #[serde(default)]
        role: Role,
    },
    /// A question to the customer is open: `q<assessment>`.
    AwaitingCustomer {
        /// Line it is about; 0: the whole claim.
        line: u16,
        /// Stable reason code.
        reason: String,
    },
    /// The plan waits for those who may allow it.
    AwaitingApproval(Plan),
    /// The plan waits for the customer.
    AwaitingConsent(Plan),
    /// The plan is carried out, all lines in parallel.
    Executing {
        /// The customer is asked afterwards whether it is solved.
        follow_up: bool,
        lines: Vec<Line>,
    },
    /// What was done is undone. Then `then`.
    Compensating {
        lines: Vec<Line>,
        /// What follows.
        then: Then,
    },
    /// All is done; the customer is asked whether it is solved.
    FollowingUp,
    /// Nothing follows.
    Ended {
        /// How.
        outcome: Outcome,
        /// Stable reason code; empty when closed.
        reason: String,
        /// What was open when it ended, and was taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taken_back: Option<CancelledQuestion>,
    },
}

/// A question that was open when the claim ended. Its number is that of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CancelledQuestion {
    /// Triage was judging.
    Assessment,
    /// The customer was asked.
    Question,
    /// Those who may approve were asked.
    Approval,
    /// The plan was proposed to the customer.
    Proposal,
}

/// Why triage is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AssessReason {
    /// The claim is new.
    New,
    /// The customer has answered.
    Answered,
    /// The plan was denied.
    Denied,
    /// The customer has refused the plan.
    ConsentRefused,
    /// The customer has not answered a question or a plan in the policy's days.
    NoAnswer,
    /// The plan could not be carried out.
    Failed,
    /// The customer is not satisfied.
    Reopened,
    /// The plan took what other claims have, or went by facts that are not the newest.
    Basis,
}

/// What follows when all is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Then {
    /// A person finds another way.
    AssessAgain,
    /// The claim ends: the customer has withdrawn it.
    EndWithdrawn,
    /// The claim ends: it goes on as another one.
    EndDuplicate,
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// Solved.
    Closed,
    /// Refused, with a reason.
    Rejected,
    /// Withdrawn by the customer.
    Withdrawn,
    /// The same as another claim.
    Duplicate,
}

/// What is to be done, as far as the process must know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Plan {
    /// Names the plan within the claim, from 1.
    pub number: u32,
    /// Nobody need approve it.
    pub automatic: bool,
    /// The customer need not be asked.
    pub consented: bool,
    /// The policy wants to know afterwards whether it is solved.
    pub follow_up: bool,
    /// One entry per claim line.
    pub lines: Vec<LinePlan>,
}

/// What is to be done for one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinePlan {
    /// The line, from 1.
    pub line: u16,
    /// What.
    pub resolution: Resolution,
    /// Units.
    pub quantity: u32,
    /// Replaced goods are collected.
    pub collect: bool,
    /// Lines that must give all their units for this one to give anything, as the fee of a delivery with the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_with: Vec<u16>,
    /// The legs; empty: those that the resolution takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<Leg>,
}

impl LinePlan {
    /// The legs, in the order of their names.
    pub(super) fn legs(&self) -> Vec<Leg> {
        if !self.legs.is_empty() {
            return self.legs.clone();
        }
        let legs = proto::legs::of(self.resolution.wire(), self.collect);
        legs.iter().filter_map(|leg| Leg::of_wire(*leg)).collect()
    }
}

impl Plan {
    /// Whether a line has other legs than its resolution takes, so that only the second form can say it.
    pub fn has_legs_of_its_own(&self) -> bool {
        self.lines.iter().any(|line| !line.legs.is_empty())
    }
}

impl Process {
    /// The oldest form that can say it.
    pub fn format(&self) -> i16 {
        let own = match &self.stage {
            Stage::AwaitingApproval(plan) | Stage::AwaitingConsent(plan) => plan.has_legs_of_its_own(),
            Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => {
                lines.iter().any(|line| !line.plan.legs.is_empty())
            }
            Stage::Assessing { .. } | Stage::Investigating { .. } | Stage::AwaitingCustomer { .. } => false,
            Stage::FollowingUp | Stage::Ended { .. } => false,
        };
        if own { FORMAT } else { 1 }
    }
}

/// What is done for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Resolution {
    /// The same goods again.
    Replace,
    /// Goods that never arrived are sent.
    Resend,
    /// Goods come back, and what is counted and accepted is refunded.
    ReturnRefund,
    /// Money back, goods stay.
    RefundOnly,
    /// Advice by a person.
    TechnicalSupport,
    /// Nothing.
    Reject,
}

impl Resolution {
    /// Its name in the contract.
    pub fn wire(self) -> claim::Resolution {
        match self {
            Self::Replace => claim::Resolution::Replace,
            Self::Resend => claim::Resolution::Resend,
            Self::ReturnRefund => claim::Resolution::ReturnRefund,
            Self::RefundOnly => claim::Resolution::RefundOnly,
            Self::TechnicalSupport => claim::Resolution::TechnicalSupport,
            Self::Reject => claim::Resolution::Reject,
        }
    }

    /// The resolution of that name in the contract; `None`: none is given.
    pub fn of_wire(word: claim::Resolution) -> Option<Self> {
        let all =
            [Self::Replace, Self::Resend, Self::ReturnRefund, Self::RefundOnly, Self::TechnicalSupport, Self::Reject];
        all.into_iter().find(|resolution| resolution.wire() == word)
    }
}

/// A line that is carried out, or undone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Line {
    /// What was planned.
    pub plan: LinePlan,
    /// The ledger grants nothing: all units were compensated before.
    pub already_compensated: bool,
    /// Units that the ledger holds for the line.
    pub held: u32,
    /// Units that were given: refunded, or replaced.
    pub given: u32,
    /// Times that the goods were lost or damaged on the way.
    pub losses: u8,
    /// Attempts at the shipment that were lost, damaged or refused on the way, and have not arrived after all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<u16>,
    /// The legs, in the order of their names; those that bring goods of ours back come last.
    #[serde(rename = "strands")]
    pub runs: Vec<LegRun>,
}

/// Names one piece of work within a claim, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Job {
    /// Round of the claim.
    pub round: u16,
    /// Line of the claim.
    pub line: u16,
    /// The leg; in a message it is implied by the kind.
    pub leg: Leg,
    /// Number, from 1. Tasks about a leg take numbers of the same row.
    pub attempt: u16,
}
