//! What a claim can learn.

use jiff::civil::Date;
use proto::claim::Role;
use serde::{Deserialize, Serialize};

use super::command::Clock;
use super::leg::LegEvent;
use super::leg::run::{Count, Incident};
use super::stage::{Job, Outcome, Plan};

/// What the process can learn: facts from the services, decisions of people, and that time is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// Triage made a plan.
    Judged {
        /// The assessment that was asked for.
        assessment: u32,
        plan: Plan,
        /// The ledgers have what it takes, and know no newer facts.
        fits: bool,
    },
    /// Triage refused the claim.
    Refused {
        /// The assessment that was asked for.
        assessment: u32,
        /// Stable reason code.
        reason: String,
    },
    /// The rules do not decide: a person will.
    PersonNeeded {
        /// The assessment that was asked for.
        assessment: u32,
        /// Stable reason code.
        reason: String,
        /// Whom it waits for.
        role: Role,
    },
    /// The customer must be asked.
    AnswerNeeded {
        /// The assessment that was asked for.
        assessment: u32,
        /// Line it is about; 0: the whole claim.
        line: u16,
        /// Stable reason code.
        reason: String,
    },
    /// The customer answered a question.
    CustomerAnswered {
        /// The question: number of the assessment that needed it.
        question: u32,
    },
    /// The customer has not answered in the policy's days.
    NoAnswer {
        /// What was asked.
        asked: Asked,
        /// By the policy, what follows.
        then: Silence,
    },
    /// The customer confirmed the main points.
    ReadBackConfirmed,
    /// A person of ours has talked with the customer.
    ContactLogged,
    /// A clock whose time was promised to the customer runs on and is due at another time.
    DeadlineMoved { round: u16, clock: Clock },
    /// The customer withdrew.
    Withdrawn,
    /// A person has said that it is the same as another claim, which goes on for both.
    Duplicate,
    /// Those who may, approved.
    ApprovalGranted { plan: u32 },
    /// Those who may, denied.
    ApprovalDenied { plan: u32 },
    /// The customer answered a plan.
    PlanAnswered {
        plan: u32,
        /// Agreed.
        accepted: bool,
    },
    /// The customer answered the follow-up.
    FollowUpAnswered {
        round: u16,
        /// Satisfaction, 1 to 5.
        score: u32,
        /// By the policy, so low that the claim is re-opened.
        low: bool,
    },
    /// The customer did not answer the follow-up in the policy's days.
    FollowUpLapsed { round: u16 },
    /// A clock warned or was breached.
    ClockMoved,
    /// Something about a piece of work.
    Work {
        /// The work, or the task about one.
        job: Job,
        /// What.
        news: LegEvent,
    },
}

/// What the customer is asked, and may never answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Asked {
    /// The question that an assessment of this number needed.
    Question(u32),
    /// The plan of this number.
    Plan(u32),
}

/// What follows when the customer says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Silence {
    /// A person decides.
    Person,
    /// The claim ends.
    End(Outcome),
}

/// News of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stock {
    /// All is held.
    Reserved,
    /// Less than wanted is held.
    ReservedPartly,
    /// It can never be held.
    Failed,
    /// The batch that must match was never in stock.
    BatchUnknown,
    /// The goods were taken from stock.
    Consumed,
    /// Given back.
    Released,
    /// The hold ran out.
    Expired,
}

/// News of a shipment or pick-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parcel {
    /// Booked with a carrier.
    Booked,
    /// No carrier takes it.
    BookingFailed,
    /// The carrier has the goods.
    HandedOver,
    Delivered,
    /// Delivered, and damaged.
    DeliveredDamaged,
    /// Delivered, and not all of it.
    DeliveredIncomplete,
    /// Late; the day on which it is expected now, if that is known.
    Delayed(Option<Date>),
    /// Something that changes no state. Numbered: what has no greater number than the last is known.
    Incident(Incident, u32),
    /// Damaged on the way.
    Damaged,
    Lost,
    /// The receiver refused it; it goes back.
    Refused,
    /// Voided.
    Cancelled,
    /// Too late to void.
    CancelRefused,
}

impl Parcel {
    /// It is there, in whatever condition.
    pub fn is_delivery(self) -> bool {
        matches!(self, Self::Delivered | Self::DeliveredDamaged | Self::DeliveredIncomplete)
    }
}

/// News of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Return {
    /// Counted so far.
    Counted {
        /// All receipts, added up.
        count: Count,
        /// No more is expected.
        complete: bool,
        /// Units that came after that.
        late: u32,
    },
    /// Expected no more.
    Cancelled {
        /// Accepted before.
        accepted: u32,
    },
}

/// News of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Money {
    /// Finance has paid.
    Paid,
    /// Finance could not pay.
    NotPaid,
    /// There is nothing to pay: the units cost nothing. Said at once, finance is not asked.
    Nothing,
}

/// What a person decides about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ruling {
    /// Done; or, if something cannot be undone, let it be.
    Approve,
    /// Given up.
    Deny,
    /// Try again.
    Retry,
}
