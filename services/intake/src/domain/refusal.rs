//! Why not.

use super::{Hold, Spent};

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has ended.
    #[error("the claim has ended")]
    ClaimEnded,
    /// The customer has withdrawn.
    #[error("the claim was withdrawn before")]
    AlreadyWithdrawn,
    /// A person has said that it repeats another claim.
    #[error("the claim was said to be a duplicate before")]
    AlreadyDuplicate {
        /// Number of the other claim.
        of: String,
    },
    /// The claim that it is said to repeat is not there.
    #[error("there is no such claim")]
    NoOther {
        /// The other claim.
        of: proto::ClaimId,
    },
    /// The other claim is another customer's.
    #[error("the other claim is another customer's")]
    OtherCustomer,
    /// The other claim does not go on, or is a duplicate itself.
    #[error("the other claim was withdrawn or is a duplicate itself")]
    NotMergeable,
    /// All was done, and the customer is asked whether it is solved.
    #[error("all was done for the claim")]
    AlreadySolved,
    /// The main points were confirmed.
    #[error("the read-back was confirmed before")]
    AlreadyConfirmed,
    /// Another version was read.
    #[error("the claim was changed by somebody else")]
    EtagMismatch,
    /// Too many pieces of evidence.
    #[error("the claim cannot hold so much evidence")]
    TooMuchEvidence {
        /// Pieces it holds.
        held: usize,
    },
    /// The files of the claim have too many bytes.
    #[error("the files of the claim have too many bytes")]
    EvidenceQuota {
        /// Bytes it holds.
        held: u64,
    },
    /// The customer has brought as much as a day may have.
    #[error("the customer has brought as much as a day may have")]
    CustomerQuota(Box<Spent>),
    /// The file waited too long for the claim.
    #[error("the upload has expired")]
    UploadExpired,
    /// Evidence for a line that is not there.
    #[error("the claim does not have this line")]
    NoSuchLine { line: u32 },
    /// There was no claim yet that the contact could be about.
    #[error("the contact was earlier than the claim")]
    ContactBeforeClaim {
        /// When the claim was received.
        received_at: jiff::Timestamp,
    },
    /// The contact was logged before.
    #[error("the contact was logged before")]
    ContactKnown {
        /// Which it is, from 1.
        number: usize,
    },
    /// Whoever released a hold leaves it to another person to forget the customer.
    #[error("who released a legal hold does not forget the customer")]
    OwnHold,
    /// Whoever proposed a plan does not agree to it for the customer.
    #[error("who proposed a plan does not agree to it for the customer")]
    OwnPlan,
    #[error("the claim cannot hold so many contacts")]
    TooManyContacts,
    /// The question does not wait for an answer.
    #[error("no such question is open")]
    QuestionNotOpen { question_id: String },
    /// The plan does not wait for an answer.
    #[error("no such plan waits for an answer")]
    PlanNotOpen { plan_number: u32 },
    /// No follow-up waits for an answer.
    #[error("no follow-up is open")]
    FollowUpNotOpen,
    /// The orchestrator asks without end.
    #[error("the claim cannot hold so many questions")]
    TooManyQuestions,
    /// Nothing is known of the customer.
    #[error("there is no such customer")]
    NoSuchCustomer,
    /// Nothing is known of the hold.
    #[error("there is no such legal hold")]
    NoSuchHold,
    /// The key is gone.
    #[error("the customer is forgotten")]
    CustomerErased,
    /// Claims that have not ended.
    #[error("the customer has open claims")]
    OpenClaims {
        /// How many.
        open: usize,
        /// Numbers of some of them.
        claims: String,
    },
    /// A hold that was not released.
    #[error("a legal hold forbids it")]
    LegalHold(Box<Hold>),
}

impl Refusal {
    /// The stable reason: the name in the contract.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ClaimEnded => "CLAIM_ENDED",
            Self::AlreadyWithdrawn => "ALREADY_WITHDRAWN",
            Self::AlreadyDuplicate { .. } => "ALREADY_DUPLICATE",
            Self::OtherCustomer => "OTHER_CUSTOMER",
            Self::NotMergeable => "NOT_MERGEABLE",
            Self::AlreadySolved => "ALREADY_SOLVED",
            Self::AlreadyConfirmed => "ALREADY_CONFIRMED",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::TooMuchEvidence { .. } => "TOO_MUCH_EVIDENCE",
            Self::EvidenceQuota { .. } => "EVIDENCE_QUOTA",
            Self::CustomerQuota(_) => "CUSTOMER_QUOTA",
            Self::UploadExpired => "UPLOAD_EXPIRED",
            Self::NoSuchLine { .. } => "NO_SUCH_LINE",
            Self::ContactBeforeClaim { .. } => "CONTACT_BEFORE_CLAIM",
            Self::ContactKnown { .. } => "CONTACT_KNOWN",
            Self::TooManyContacts => "TOO_MANY_CONTACTS",
            Self::QuestionNotOpen { .. } => "QUESTION_NOT_OPEN",
            Self::PlanNotOpen { .. } => "PLAN_NOT_OPEN",
            Self::FollowUpNotOpen => "FOLLOW_UP_NOT_OPEN",
            Self::TooManyQuestions => "TOO_MANY_QUESTIONS",
            Self::NoSuchCustomer | Self::NoSuchHold | Self::NoOther { .. } => "NOT_FOUND",
            Self::CustomerErased => "CUSTOMER_ERASED",
            Self::OpenClaims { .. } => "OPEN_CLAIMS",
            Self::LegalHold(_) => "LEGAL_HOLD",
            Self::OwnHold | Self::OwnPlan => "OWN_PROPOSAL",
        }
    }
}
