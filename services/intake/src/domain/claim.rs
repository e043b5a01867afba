//! The state of a claim, and what can be read from it.

use chassis::Actor;
use jiff::Timestamp;
use jiff::civil::Date;
use proto::ClaimId;
use proto::claim::{Channel, ClaimState, Plan};

use super::{Answer, Evidence, File, Line, LoggedContact, Promises, Refusal};

#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub id: ClaimId,
    /// The number a customer can quote.
    pub number: String,
    /// Counts its changes, from 1.
    pub version: i64,
    pub channel: Channel,
    /// Opaque customer reference.
    pub customer_ref: String,
    /// The sales channel that has brought it; empty: none.
    pub brought_by: String,
    /// Somebody other than the customer has confirmed the e-mail address: until then it gets one notice (SR18).
    pub email_confirmed: bool,
    /// Country of the customer.
    pub country: String,
    /// Importance of the customer, 0 to 3.
    pub importance: u32,
    /// The customer was upset.
    pub upset: bool,
    /// When it was received.
    pub received_at: Timestamp,
    /// The version of the policy pack that it goes by to its end; 0: it began before versions were kept, and has the oldest.
    pub policy_version: u32,
    /// Day the customer first told of the problem, if that was said; otherwise the day of receipt.
    pub announced_on: Option<Date>,
    /// Whether goods can be sent to the customer; `None`: it was not kept.
    pub address_known: Option<bool>,
    /// Numbers of claims that this one may repeat, newest first.
    pub possible_duplicates: Vec<String>,
    /// Lines as reported. Not loaded for commands of the orchestrator, which need none.
    pub lines: Vec<Line>,
    /// Evidence, in order of arrival. Not loaded for commands of the orchestrator.
    pub evidence: Vec<Evidence>,
    /// Files of evidence, in order of arrival. Loaded only to keep another.
    pub files: Vec<File>,
    /// Questions, oldest first.
    pub questions: Vec<Question>,
    /// Contacts that were logged, in that order.
    pub contacts: Vec<LoggedContact>,
    /// Confirmation of the main points.
    pub read_back: Option<ReadBack>,
    /// What was promised.
    pub promises: Promises,
    /// The newest plan that is known.
    pub proposal: Option<Proposal>,
    /// The newest follow-up.
    pub follow_up: Option<FollowUp>,
    /// Scores of all follow-ups.
    pub scores: Vec<u32>,
    /// When it has ended.
    pub ended_at: Option<Timestamp>,
    /// The customer has withdrawn.
    pub withdrawal_requested: bool,
    /// The claim that a person has said this one repeats: its id and number.
    pub duplicate_of: Option<(ClaimId, String)>,
    /// How it ended, and why.
    pub end: Option<(End, String)>,
}

/// Confirmation of the main points: when, and by whom it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBack {
    /// When.
    pub at: Timestamp,
    /// Subject of the agent.
    pub by: String,
}

/// A question to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Names the question.
    pub id: String,
    /// Stable reason code.
    pub reason: String,
    /// Line it is about; 0: the whole claim.
    pub line: u32,
    /// When it was asked; `None`: it was taken back before it came, and never will be.
    pub asked_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it was taken back.
    pub closed_at: Option<Timestamp>,
    /// Order number that was answered.
    pub order_no: String,
    /// A delivery address came with the answer.
    pub address_given: bool,
}

/// A plan that waits, or waited, for the customer's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub number: u32,
    /// What became of it.
    pub state: ProposalState,
    /// The plan; `None`: it was taken back before it came.
    pub plan: Option<Box<Plan>>,
}

/// What became of a proposed plan. The numbers are those of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// It waits for the customer.
    Open = 1,
    /// The customer agreed.
    Accepted = 2,
    /// The customer refused.
    Refused = 3,
    /// It was taken back.
    Withdrawn = 4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Round asked about.
    pub round: u32,
    /// Satisfaction, once it is answered.
    pub score: Option<u32>,
}

/// How a claim ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Solved.
    Closed,
    /// Refused.
    Rejected,
    /// Withdrawn by the customer.
    Withdrawn,
    /// The same as another claim.
    Duplicate,
}

impl Claim {
    /// Whether a caller may know of it: a customer of own ones, a sales channel of those that it has brought.
    pub fn is_for(&self, actor: &Actor) -> bool {
        let own = actor.customer.as_ref().is_none_or(|customer| *customer == self.customer_ref);
        own && actor.channel().is_none_or(|channel| channel == self.brought_by)
    }

    /// Its state, computed: nothing is stored that could contradict it.
    pub fn state(&self) -> ClaimState {
        match &self.end {
            Some((End::Closed, _)) => ClaimState::Closed,
            Some((End::Rejected, _)) => ClaimState::Rejected,
            Some((End::Withdrawn, _)) => ClaimState::Withdrawn,
            Some((End::Duplicate, _)) => ClaimState::Duplicate,
            None if self.questions.iter().any(Question::is_open) => ClaimState::AwaitingCustomer,
            None if self.open_plan().is_some() => ClaimState::AwaitingConsent,
            None if self.open_follow_up().is_some() => ClaimState::FollowingUp,
            None => ClaimState::Submitted,
        }
    }

    /// Whether intake has made it itself: there is no customer who could be told anything (P54).
    pub fn is_canary(&self) -> bool {
        proto::canary::is_marked(&self.customer_ref)
    }

    /// The plan that waits for the customer's answer.
    pub fn open_plan(&self) -> Option<&Plan> {
        let proposal = self.proposal.as_ref().filter(|known| known.state == ProposalState::Open)?;
        proposal.plan.as_deref().filter(|_| self.end.is_none())
    }

    /// The round whose follow-up waits for the customer's answer.
    pub fn open_follow_up(&self) -> Option<u32> {
        self.follow_up.filter(|asked| asked.score.is_none() && self.end.is_none()).map(|asked| asked.round)
    }

    pub(super) fn going(&self) -> Result<(), Refusal> {
        if self.end.is_some() { Err(Refusal::ClaimEnded) } else { Ok(()) }
    }

    pub(super) fn live(&self) -> Result<(), Refusal> {
        self.going()?;
        match self.given_up() {
            Some(Answer::Duplicate { number, .. }) => Err(Refusal::AlreadyDuplicate { of: number }),
            Some(_) => Err(Refusal::AlreadyWithdrawn),
            None => Ok(()),
        }
    }

    /// Why nobody is asked any more, although the claim has not ended: what the process is told then.
    pub(super) fn given_up(&self) -> Option<Answer> {
        if self.withdrawal_requested {
            return Some(Answer::Withdrawal);
        }
        self.duplicate_of.clone().map(|(of, number)| Answer::Duplicate { of, number })
    }

    pub(super) fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }
}

impl Question {
    /// Whether it waits for an answer.
    pub fn is_open(&self) -> bool {
        self.asked_at.is_some() && self.answered_at.is_none() && self.closed_at.is_none()
    }
}
