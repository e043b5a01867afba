//! What a claim can ask, and tell.

use proto::claim::LegState;
use serde::{Deserialize, Serialize};

use super::stage::{AssessReason, Job, Outcome, Process};

/// What the process can ask for. Each may be sent twice, and means the same the second time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Triage: judge the claim.
    Assess {
        /// Names the assessment.
        assessment: u32,
        /// Number for the plan, if one is made.
        plan: u32,
        /// Why.
        reason: AssessReason,
    },
    /// Triage: take an assessment back.
    CancelAssessment { assessment: u32 },
    /// Intake: ask the customer `q<question>`.
    AskCustomer {
        /// Number of the assessment that needs the answer.
        question: u32,
        /// Line; 0: the whole claim.
        line: u16,
        /// Stable reason code.
        reason: String,
    },
    /// Intake: take a question back.
    CloseQuestion { question: u32 },
    /// Intake: propose the plan to the customer.
    ProposePlan { plan: u32 },
    /// Intake: take a proposed plan back.
    WithdrawPlan { plan: u32 },
    /// Intake: ask whether it is solved. The handler sets the day on which the silence ends.
    StartFollowUp { round: u16 },
    /// Intake: what was promised to the customer is due at another time now, or was kept. The handler knows the times.
    MovePromises,
    /// Intake: the claim has ended.
    EndClaim {
        /// How.
        outcome: Outcome,
        /// Stable reason code; empty when closed.
        reason: String,
    },
    /// Escalation: start clocks.
    StartClocks { round: u16, kinds: Vec<Clock> },
    /// Escalation: the claim was judged, and no other message says how bad it is.
    RetargetClocks { round: u16 },
    /// Escalation: stop clocks.
    StopClocks {
        /// The newest round whose clocks it stops.
        round: u16,
        /// Kinds; empty: all.
        kinds: Vec<Clock>,
    },
    /// Escalation: pause all clocks.
    PauseClocks,
    /// Escalation: let them run again.
    ResumeClocks,
    /// Escalation: ask those who may approve.
    RequestApproval { plan: u32 },
    /// Escalation: take the request back.
    CancelApproval { plan: u32 },
    /// Escalation: put a task on a work list.
    OpenTask {
        /// Names the task.
        job: Job,
        /// What kind.
        kind: Task,
        /// Stable reason code.
        reason: &'static str,
    },
    /// Escalation: take a task off.
    CloseTask {
        /// The task.
        job: Job,
    },
    /// Ledger: promise up to so many units. Answered at once by [`LegEvent::Granted`].
    Grant {
        /// The work.
        job: Job,
        /// Units wanted.
        quantity: u32,
    },
    /// Ledger: promised units go back. No answer.
    GiveBack {
        /// The grant.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Ledger: promised units are given. No answer.
    Give {
        /// The grant.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Ledger: given units came back, or were not paid. No answer.
    TakeBack {
        /// The grant.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Inventory: hold stock.
    Reserve {
        /// The work.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Inventory: the goods have left.
    Consume {
        /// The reservation.
        job: Job,
    },
    /// Inventory: give the stock back.
    Release {
        /// The reservation.
        job: Job,
    },
    /// Inventory: expect goods.
    ExpectReturn {
        /// The work.
        job: Job,
        /// Units.
        quantity: u32,
        /// They are a parcel of ours that is brought back.
        brings_back: bool,
    },
    /// Inventory: expect them no more.
    CancelReturn {
        /// The receipt.
        job: Job,
    },
    /// Logistics: send goods.
    Ship {
        /// The work.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Logistics: void a shipment.
    CancelShipment {
        /// The shipment.
        job: Job,
    },
    /// Logistics: collect goods.
    Collect {
        /// The work.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Logistics: call a pick-up off.
    CancelCollection {
        /// The pick-up.
        job: Job,
    },
    /// Logistics: send a technician.
    ArrangeVisit {
        /// The work.
        job: Job,
        /// Units.
        quantity: u32,
    },
    /// Logistics: call a visit off.
    CancelVisit {
        /// The visit.
        job: Job,
    },
    /// Finance: pay for the units that were given under `grant`.
    Settle {
        /// The work.
        job: Job,
        grant: Job,
        /// Units.
        quantity: u32,
    },
    /// The customer must know.
    Notify {
        /// What.
        notice: Notice,
        /// The work it is about.
        job: Job,
    },
    /// The world may know.
    Announce(Fact),
}

/// What runs while a claim is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Clock {
    /// Acknowledge the claim.
    Acknowledgement,
    FirstFeedback,
    /// Solve the claim.
    FinalSolution,
}

/// A task for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// Advise the customer.
    Support,
    /// A leg failed: retry, or deny.
    LegFailed,
    /// Something cannot be undone: retry, or approve that it is left so.
    CompensationFailed,
    /// What came back is not as announced: let it count, or not.
    ReturnMismatch,
}

/// What the customer is told while a plan is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Notice {
    /// The goods are not all in stock.
    GoodsBackOrdered,
    /// The goods have left.
    GoodsShipped,
    /// The goods are there.
    GoodsDelivered,
    /// The goods are late, and expected on another day.
    DeliveryDelayed,
    /// The carrier comes later than was promised; if it does not, nothing is told.
    DayMoved,
    /// The goods were lost or damaged, and others are on their way.
    SentAgain,
    /// Delivery was tried, and nobody was there.
    DeliveryAttempted,
    /// The goods wait at a pick-up point.
    GoodsToCollect,
    /// The goods go back to us; told if nobody refused them.
    GoodsGoBack,
    /// The carrier will collect the goods.
    CollectionBooked,
    /// The carrier came for the goods in vain, and asks for another day.
    CollectionMissed,
    /// The money was paid.
    RefundPaid,
    /// Appointments for a visit were offered.
    VisitProposed,
    /// A technician comes, at an agreed time.
    VisitAppointed,
}

impl Notice {
    /// Whether it tells that what was promised comes on another day.
    pub fn moves_promise(self) -> bool {
        match self {
            Self::GoodsBackOrdered | Self::DeliveryDelayed | Self::DayMoved | Self::SentAgain => true,
            Self::GoodsShipped | Self::GoodsDelivered | Self::DeliveryAttempted | Self::GoodsToCollect => false,
            Self::GoodsGoBack | Self::CollectionBooked | Self::CollectionMissed | Self::RefundPaid => false,
            Self::VisitProposed | Self::VisitAppointed => false,
        }
    }
}

/// A fact for the public stream of the claim. What it needs beyond this the handler takes from the message in hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fact {
    /// The claim was recorded.
    Submitted,
    /// The customer was asked.
    QuestionAsked {
        question: u32,
        /// Stable reason code.
        reason: String,
    },
    /// The customer answered.
    QuestionAnswered { question: u32 },
    /// The claim was judged: the judgement is in the message in hand.
    Assessed,
    /// A person must decide.
    PersonAsked {
        /// Stable reason code.
        reason: String,
        /// Line; 0: the whole claim.
        line: u16,
    },
    /// A plan was made: it is in the message in hand.
    Planned,
    /// Approval was asked for.
    ApprovalRequested { plan: u32 },
    /// The plan was approved: by whom the message in hand says. What the policy allows is said by the plan.
    Approved { plan: u32 },
    /// The plan was denied: by whom the message in hand says.
    Denied { plan: u32 },
    /// The customer agreed.
    Consented { plan: u32 },
    /// The customer refused.
    ConsentRefused { plan: u32 },
    LegMoved {
        /// The work.
        job: Job,
        /// How far it is.
        state: LegState,
        /// Stable detail code.
        detail: &'static str,
        /// Units; 0: does not apply.
        quantity: u32,
    },
    /// Finance was told to pay.
    SettlementInstructed {
        /// The work.
        job: Job,
    },
    /// Finance has paid.
    SettlementPaid {
        /// The work.
        job: Job,
    },
    /// A clock warned or was breached: which, the message in hand says.
    ClockMoved,
    /// Compensation has begun.
    CompensationStarted {
        /// Stable reason code.
        reason: &'static str,
    },
    /// The customer is asked whether it is solved.
    FollowUpStarted { round: u16 },
    /// The customer said how satisfied they are.
    FollowUpAnswered {
        round: u16,
        /// Satisfaction, 1 to 5.
        score: u32,
    },
    /// A new round begins.
    Reopened {
        /// The new round.
        round: u16,
        /// The score that led to it.
        score: u32,
    },
    /// The claim ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// Stable reason code.
        reason: String,
    },
}

/// The answer to an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Move on, and ask, in this order.
    Go(Process, Vec<Command>),
    /// Known already, or too late to matter.
    Stay,
    /// No correct sender says this here. Parked for a person, never guessed at.
    Broken,
}
