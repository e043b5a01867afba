//! Why inventory says no.

use proto::policy::UnknownVersion;
use tonic::Code;

use crate::domain::{Job, ReturnState};

/// The domain says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The SKU is not registered.
    #[error("the SKU is not registered")]
    UnknownSku(String),
    /// The warehouse is not registered.
    #[error("the warehouse is not registered")]
    UnknownWarehouse(String),
    /// The valuables zone of the warehouse has no custodian (S4-38).
    #[error("the valuables zone of the warehouse has no custodian")]
    NoCustodian(String),
    /// The warehouse has booked another delivery under this document.
    #[error("another delivery was booked under this document")]
    DocumentReused(String),
    /// There is less than is to be taken.
    #[error("there is less than is to be taken")]
    OutOfStock {
        /// Units that could be taken.
        free: i64,
    },
    /// There is no such return.
    #[error("there is no such return")]
    NoSuchReturn(Job),
    /// The return was changed since it was read.
    #[error("the return was changed since it was read")]
    ReturnChanged,
    #[error("the return is closed")]
    ReturnClosed(ReturnState),
    /// So many receipts were counted that only the last is taken (P56).
    #[error("too many receipts were counted; only the last is taken")]
    TooManyReceipts,
    /// Fewer units wait for a disposition.
    #[error("fewer units wait for this disposition")]
    NothingToDispose {
        /// Units that wait for it.
        waiting: u32,
    },
    /// The claim began with a version of the policy pack that is not loaded here.
    #[error(transparent)]
    PolicyUnknown(#[from] UnknownVersion),
    /// No correct sender says this.
    #[error("{0}")]
    Broken(&'static str),
}

impl From<Refusal> for chassis::Refusal {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        let precondition = |reason: &str| Self::new(Code::FailedPrecondition, reason, &text);
        let unknown = |reason: &str| Self::new(Code::NotFound, reason, &text).lacking();
        match refusal {
            Refusal::UnknownSku(sku) => unknown("UNKNOWN_SKU").with("sku", sku),
            Refusal::UnknownWarehouse(warehouse) => unknown("UNKNOWN_WAREHOUSE").with("warehouse", warehouse),
            Refusal::NoCustodian(warehouse) => precondition("NO_CUSTODIAN").lacking().with("warehouse", warehouse),
            Refusal::DocumentReused(document) => precondition("DOCUMENT_REUSED").with("document", document),
            Refusal::OutOfStock { free } => precondition("OUT_OF_STOCK").with("free", free),
            Refusal::NoSuchReturn(job) => Self::not_found("return", job),
            Refusal::ReturnChanged => Self::etag_mismatch(),
            Refusal::ReturnClosed(state) => precondition("RETURN_CLOSED").with("state", state.word()),
            Refusal::TooManyReceipts => precondition("CLAIM_TOO_LARGE"),
            Refusal::NothingToDispose { waiting } => precondition("NOTHING_TO_DISPOSE").with("waiting", waiting),
            Refusal::PolicyUnknown(unknown) => unknown.into(),
            Refusal::Broken(why) => Self::park(why),
        }
    }
}
