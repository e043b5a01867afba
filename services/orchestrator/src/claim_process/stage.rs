//! Where a claim is: stages, lines and legs, in the form that is stored.

use jiff::civil::Date;
use proto::claim::Role;
use serde::{Deserialize, Serialize};

/// Version of the stored form of [`Process`]. Old forms are read for ever, so it only grows.
pub const FORMAT: i16 = 1;

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
    /// Stage.
    pub stage: Stage,
}

/// Goods that came when they were expected no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Late {
    /// The receipt.
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
        /// The lines.
        lines: Vec<Line>,
    },
    /// What was done is undone. Then `then`.
    Compensating {
        /// The lines.
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
        taken_back: Option<TakenBack>,
    },
}

/// A question that was open when the claim ended. Its number is that of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TakenBack {
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
    pub strands: Vec<Strand>,
}

/// One leg of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Strand {
    /// Whose it is.
    pub leg: Leg,
    /// What for.
    pub purpose: Purpose,
    /// How far it is.
    pub state: At,
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
    pub(super) fn reason(self) -> &'static str {
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
pub enum At {
    /// Something else must be done first.
    Idle,
    /// Asked; no answer yet.
    Asked,
    /// Less than wanted is held.
    HeldPartly,
    /// All is held, the goods have not left.
    Held,
    /// The goods have left; inventory has not confirmed that it knows.
    Consuming,
    /// Booked with a carrier.
    Booked,
    /// Under way.
    HandedOver,
    /// A part of it was counted.
    CountedPartly,
    /// Done.
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
}

/// Why a leg failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// Stock can never be held.
    NotReservable,
    /// The batch that must match was never in stock.
    BatchUnknown,
    /// No carrier takes it.
    NotBookable,
    /// Lost or damaged on the way, too often.
    Lost,
    /// The receiver refused it; it comes back.
    Refused,
    /// Not all of it was delivered.
    Incomplete,
    /// Two were sent for one, and the second has left.
    SentTwice,
    /// Finance could not pay.
    NotPaid,
    /// The person who was to advise said no.
    NotAdvised,
    /// Another article came back.
    WrongItem,
    /// What came back is not as the claim says.
    NotAsClaimed,
    /// What was replaced did not come back.
    NothingReturned,
    /// More came back than was announced.
    TooManyReturned,
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

/// One strand of execution.
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
}
