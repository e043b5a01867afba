//! The claim as intake knows it: the report, what the customer is asked and answers, and how it ends.
//!
//! Intake follows: the orchestrator says what to ask and when a claim has ended. Its commands are named (question,
//! plan, round), so that a repeated or a late one changes nothing: an answer that is known is told again, and what was
//! taken back before it came is never asked. It decides nothing about the claim, and knows neither clock nor database.
#![deny(clippy::wildcard_enum_match_arm)]

mod brought;
mod claim;
mod contact;
mod customer;
mod duplicate;
mod file;
mod read_back;
mod refusal;
mod report;
mod rules;
mod steps;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use proto::ClaimId;
use proto::claim::{Channel, Notice, Plan};
use proto::intake::ContactDirection;
use uuid::Uuid;

pub use brought::{Brought, DAY, Piece, Quota, Spent};
pub use chassis::Pii;
pub use claim::{Claim, End, FollowUp, Proposal, ProposalState, Question, ReadBack};
pub use contact::LoggedContact;
pub use customer::{Customer, CustomerAction, Erased, Hold, Key, customer_lane};
pub use duplicate::{POSSIBLE_MAX, Recent, possible_duplicates};
pub use file::{File, NewFile};
pub use read_back::read_back;
pub use refusal::Refusal;
pub use report::{Contact, Evidence, Line, Promises, Report, claim_number, evidence_count, submit};
pub use rules::{Moved, Promised, Rules, Until};

/// Pieces of evidence a claim can hold.
pub const EVIDENCE_MAX: usize = 50;
/// Questions a claim can hold.
pub const QUESTIONS_MAX: usize = 20;
/// Contacts a claim can hold.
pub const CONTACTS_MAX: usize = 100;

/// What can be asked of intake.
#[derive(Clone, Debug)]
pub enum Command {
    /// Record a claim.
    Submit {
        /// Request that brought it: nothing else names a claim that is not there yet.
        request_id: Uuid,
        /// The claim.
        report: Box<Report>,
        /// The customer reports it, and nobody on behalf of the customer: it counts for the customer's day.
        own: bool,
    },
    /// Do something with a claim.
    Act {
        claim: ClaimId,
        /// What to do.
        action: Action,
    },
    /// Tell something that belongs to no claim.
    Tell {
        /// The notice; who tells it names it.
        notice: Box<Notice>,
    },
    /// Do something with a customer.
    Customer {
        /// Opaque reference.
        customer_ref: String,
        /// What to do.
        action: CustomerAction,
    },
}

/// What can be done with a claim: first by callers, then by the orchestrator.
#[derive(Clone, Debug)]
pub enum Action {
    /// The customer confirmed the main points (S0-13). With a version: only if it is still that one.
    ConfirmReadBack {
        /// Version that was read.
        version: Option<i64>,
    },
    /// Add evidence (S0-12).
    AddEvidence {
        evidence: Vec<Evidence>,
    },
    /// Keep a file of evidence that is in the store (S0-12).
    KeepFile {
        file: Box<NewFile>,
    },
    /// The customer answers a question.
    AnswerQuestion {
        question_id: String,
        /// Order number, when that was asked; empty: none.
        order_no: String,
        /// Delivery address; empty: it stays as it is.
        address: Pii<String>,
        /// Answer in words.
        text: Pii<String>,
    },
    /// A person says that it is the same as another claim.
    MarkDuplicate {
        /// The other claim.
        of: ClaimId,
        /// With a version: only if it is still that one.
        version: Option<i64>,
    },
    /// One of us has talked with the customer.
    LogContact {
        /// When; `None`: now.
        at: Option<Timestamp>,
        /// How.
        channel: Channel,
        /// Who sought it.
        direction: ContactDirection,
        /// What was said.
        note: Pii<String>,
    },
    /// The customer withdraws.
    Withdraw {
        /// Why.
        text: Pii<String>,
    },
    /// The customer answers a plan (S0-51).
    AnswerPlan {
        plan_number: u32,
        /// Agreed, or refused.
        accepted: bool,
        /// Words of the customer.
        text: Pii<String>,
    },
    /// The customer answers the follow-up (S1-27).
    AnswerFollowUp {
        /// Satisfaction, 1 to 5.
        score: u32,
        /// Words of the customer.
        text: Pii<String>,
    },
    AskCustomer {
        /// Names the question.
        question_id: String,
        /// Stable reason code.
        reason: String,
        /// Line it is about; 0: the whole claim.
        line: u32,
    },
    /// Take a question back.
    CloseQuestion {
        question_id: String,
    },
    ProposePlan {
        plan: Box<Plan>,
    },
    /// Take a plan back.
    WithdrawPlan {
        plan_number: u32,
    },
    /// Ask whether it is solved.
    StartFollowUp {
        /// Round asked about.
        round: u32,
    },
    /// What was promised is due at another time, or was kept.
    MovePromises(Vec<Moved>),
    /// The claim has ended.
    EndClaim {
        /// How.
        end: End,
        /// Stable reason code; empty when closed.
        reason: String,
    },
}

/// What has happened. Free words are not in it: they go to their table, by [`Action::words`].
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The main points were confirmed.
    ReadBackConfirmed(ReadBack),
    /// Evidence was added.
    EvidenceAdded(Vec<Evidence>),
    /// A file was kept.
    FileKept {
        file: Box<File>,
        /// The piece of evidence that it is, unless it was announced.
        piece: Option<Evidence>,
    },
    /// One of us has talked with the customer.
    ContactLogged(LoggedContact),
    /// A question was asked.
    QuestionAsked(Question),
    /// A question was taken back, perhaps before it was asked.
    QuestionClosed {
        question_id: String,
        /// When.
        at: Timestamp,
    },
    /// A plan was proposed, and by when it is carried out; older ones wait no more.
    PlanProposed(Box<Plan>, Option<Timestamp>),
    /// What is promised now, and what was before.
    PromisesMoved(Promises, Promises),
    /// A plan was taken back, perhaps before it was proposed.
    PlanWithdrawn(u32),
    /// A follow-up was started.
    FollowUpStarted(u32),
    /// The customer answered.
    Answered(Answer, Timestamp),
    /// The orchestrator asked again for an answer that is known.
    AnsweredBefore(Answer),
    /// The claim has ended.
    Ended {
        /// How.
        end: End,
        /// Stable reason code.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// What the customer answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a question.
    Question {
        question_id: String,
        /// Line it is about.
        line: u32,
        /// Order number; empty: none.
        order_no: String,
        /// A delivery address came with it.
        address_given: bool,
    },
    /// To a plan.
    Plan {
        plan_number: u32,
        /// Agreed, or refused.
        accepted: bool,
    },
    /// To a follow-up.
    FollowUp {
        /// Round asked about.
        round: u32,
        /// Satisfaction, 1 to 5.
        score: u32,
    },
    /// The customer wants no more of it.
    Withdrawal,
    /// A person, not the customer: it is the same as another claim.
    Duplicate {
        /// The other claim.
        of: ClaimId,
        number: String,
    },
}

/// Decides one action: what happens at `now` when `by` asks for it. `other`: the claim that the action names.
pub fn decide(
    rules: &Rules,
    claim: &Claim,
    other: Option<&Claim>,
    now: Timestamp,
    by: &str,
    action: &Action,
) -> Result<Vec<Event>, Refusal> {
    match action {
        Action::ConfirmReadBack { version } => claim.confirm_read_back(now, by, *version),
        Action::AddEvidence { evidence } => claim.add_evidence(evidence),
        Action::KeepFile { file } => claim.keep_file(now, by, file),
        Action::AnswerQuestion { question_id, order_no, address, text: _ } => {
            claim.answer_question(now, question_id, order_no, is_given(address))
        }
        Action::MarkDuplicate { of, version } => claim.mark_duplicate(other, now, *of, *version),
        Action::LogContact { at, channel, direction, note: _ } => claim.log_contact(LoggedContact {
            at: at.unwrap_or(now),
            channel: *channel,
            direction: *direction,
            by: by.to_owned(),
            logged_at: now,
        }),
        Action::Withdraw { text: _ } => {
            claim.live()?;
            Ok(vec![Event::Answered(Answer::Withdrawal, now)])
        }
        Action::AnswerPlan { plan_number, accepted, text: _ } => {
            let proposer = rules.four_eyes.reporter.then_some(by);
            claim.answer_plan(now, *plan_number, *accepted, proposer)
        }
        Action::AnswerFollowUp { score, text: _ } => claim.answer_follow_up(now, *score),
        // Commands of the orchestrator: a claim that has ended lets them pass, whatever their order.
        Action::AskCustomer { .. }
        | Action::CloseQuestion { .. }
        | Action::ProposePlan { .. }
        | Action::WithdrawPlan { .. }
        | Action::StartFollowUp { .. }
        | Action::MovePromises(_)
        | Action::EndClaim { .. }
            if claim.end.is_some() =>
        {
            Ok(Vec::new())
        }
        Action::EndClaim { end, reason } => Ok(vec![Event::Ended { end: *end, reason: reason.clone(), at: now }]),
        Action::CloseQuestion { question_id } => claim.close_question(now, question_id),
        Action::WithdrawPlan { plan_number } => Ok(claim.withdraw_plan(*plan_number)),
        // The customer wants no more of it: the process is told again, the customer is not asked.
        Action::AskCustomer { .. } | Action::ProposePlan { .. } | Action::StartFollowUp { .. }
            if claim.given_up().is_some() =>
        {
            Ok(claim.given_up().map(Event::AnsweredBefore).into_iter().collect())
        }
        Action::AskCustomer { question_id, reason, line } => claim.ask(now, question_id, reason, *line),
        Action::ProposePlan { plan } => Ok(claim.propose(plan, rules.solution(plan))),
        Action::StartFollowUp { round } => Ok(claim.start_follow_up(*round)),
        Action::MovePromises(moved) => Ok(claim.move_promises(rules, moved)),
    }
}

/// Makes the claim what it is after the event.
pub fn evolve(claim: &mut Claim, event: &Event) {
    match event {
        Event::AnsweredBefore(_) => return,
        Event::ReadBackConfirmed(read_back) => {
            claim.read_back = Some(read_back.clone());
            claim.promises.acknowledgement = None;
        }
        Event::EvidenceAdded(evidence) => claim.evidence.extend(evidence.iter().cloned()),
        Event::FileKept { file, piece } => {
            claim.evidence.extend(piece.iter().cloned());
            claim.files.push(file.as_ref().clone());
        }
        Event::ContactLogged(contact) => claim.contact_logged(contact),
        Event::QuestionAsked(question) => {
            claim.questions.push(question.clone());
            claim.promises.first_feedback = None;
        }
        Event::QuestionClosed { question_id, at } => claim.question_closed(question_id, *at),
        Event::PlanProposed(plan, solution) => {
            let solution = solution.or(claim.promises.solution);
            claim.promises = Promises { first_feedback: None, solution, ..claim.promises.clone() };
            let state = ProposalState::Open;
            claim.proposal = Some(Proposal { number: plan.number, state, plan: Some(plan.clone()) });
        }
        Event::PromisesMoved(promises, _) => claim.promises = promises.clone(),
        Event::PlanWithdrawn(number) => {
            let plan = claim.proposal.take().filter(|known| known.number == *number).and_then(|known| known.plan);
            claim.proposal = Some(Proposal { number: *number, state: ProposalState::Withdrawn, plan });
        }
        Event::FollowUpStarted(round) => {
            claim.follow_up = Some(FollowUp { round: *round, score: None });
            claim.promises.first_feedback = None;
        }
        Event::Answered(answer, at) => claim.answered(answer, *at),
        Event::Ended { end, reason, at } => {
            let open = claim.questions.iter_mut().filter(|question| question.is_open());
            open.for_each(|question| question.closed_at = Some(*at));
            claim.promises = Promises::default();
            claim.end = Some((*end, reason.clone()));
            claim.ended_at = Some(*at);
        }
    }
    claim.version += 1;
}

impl Action {
    /// Whether a caller asks, who gets the claim as the answer, rather than the orchestrator.
    pub fn is_call(&self) -> bool {
        match self {
            Self::ConfirmReadBack { .. }
            | Self::AddEvidence { .. }
            | Self::KeepFile { .. }
            | Self::AnswerQuestion { .. }
            | Self::MarkDuplicate { .. }
            | Self::LogContact { .. }
            | Self::Withdraw { .. }
            | Self::AnswerPlan { .. }
            | Self::AnswerFollowUp { .. } => true,
            Self::AskCustomer { .. }
            | Self::CloseQuestion { .. }
            | Self::ProposePlan { .. }
            | Self::WithdrawPlan { .. }
            | Self::StartFollowUp { .. }
            | Self::MovePromises(_)
            | Self::EndClaim { .. } => false,
        }
    }

    /// Whether whoever does it for the customer has heard that the e-mail address is right: the main points were repeated, or
    /// the customer has written from there.
    pub fn confirms_email(&self) -> bool {
        matches!(
            self,
            Self::ConfirmReadBack { .. }
                | Self::LogContact { channel: Channel::Email, direction: ContactDirection::Inbound, .. }
        )
    }

    /// Free words of the customer, or about a contact, and what they are about; `claim` is as the action has left it.
    pub fn words(&self, claim: &Claim) -> Option<(String, &Pii<String>)> {
        let (about, text) = match self {
            Self::AnswerQuestion { question_id, text, .. } => (format!("question {question_id}"), text),
            Self::LogContact { note, .. } => (format!("contact {}", claim.contacts.len()), note),
            Self::Withdraw { text } => ("withdrawal".to_owned(), text),
            Self::AnswerPlan { plan_number, text, .. } => (format!("plan {plan_number}"), text),
            Self::AnswerFollowUp { text, .. } => ("follow-up".to_owned(), text),
            Self::ConfirmReadBack { .. } | Self::AddEvidence { .. } | Self::KeepFile { .. } => return None,
            Self::MarkDuplicate { .. } => return None,
            Self::AskCustomer { .. } | Self::CloseQuestion { .. } | Self::ProposePlan { .. } => return None,
            Self::WithdrawPlan { .. } | Self::StartFollowUp { .. } | Self::EndClaim { .. } => return None,
            Self::MovePromises(_) => return None,
        };
        is_given(text).then_some((about, text))
    }

    /// A delivery address that is to be kept with the contact.
    pub fn address(&self) -> Option<&Pii<String>> {
        match self {
            Self::AnswerQuestion { address, .. } => is_given(address).then_some(address),
            Self::ConfirmReadBack { .. } | Self::AddEvidence { .. } | Self::KeepFile { .. } => None,
            Self::MarkDuplicate { .. } | Self::LogContact { .. } | Self::Withdraw { .. } => None,
            Self::AnswerPlan { .. } => None,
            Self::AnswerFollowUp { .. } | Self::AskCustomer { .. } | Self::CloseQuestion { .. } => None,
            Self::ProposePlan { .. } | Self::WithdrawPlan { .. } | Self::StartFollowUp { .. } => None,
            Self::MovePromises(_) | Self::EndClaim { .. } => None,
        }
    }

    /// The other claim that is looked at with the one that is acted on.
    pub fn other(&self) -> Option<ClaimId> {
        match self {
            Self::MarkDuplicate { of, .. } => Some(*of),
            Self::ConfirmReadBack { .. } | Self::AddEvidence { .. } | Self::KeepFile { .. } => None,
            Self::AnswerQuestion { .. } | Self::LogContact { .. } | Self::Withdraw { .. } => None,
            Self::AnswerPlan { .. } => None,
            Self::AnswerFollowUp { .. } | Self::AskCustomer { .. } | Self::CloseQuestion { .. } => None,
            Self::ProposePlan { .. } | Self::WithdrawPlan { .. } | Self::StartFollowUp { .. } => None,
            Self::MovePromises(_) | Self::EndClaim { .. } => None,
        }
    }
}

/// Whether there is a text, without a look at what it says.
pub fn is_given(text: &Pii<String>) -> bool {
    !text.expose("whether there is anything").trim().is_empty()
}
