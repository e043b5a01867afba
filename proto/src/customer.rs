//! What a customer is told of a claim (SR15): what was agreed or is proposed, what happens to goods and money, and what is
//! asked of them. Not what we think of it before, who of us did something, or what it costs us. Each message is made field
//! by field, so that a new field is told to no customer until somebody says so here; `tests/customer.txt` lists them.

mod claim;
mod event;
mod plan;
mod process;

use crate::claim::{ClaimState, WaitingFor};

pub use claim::claim;
pub use event::event;
pub use plan::plan;
pub use process::process;

/// Who of us did something, as customers are told.
pub const STAFF: &str = "staff";

/// The state as customers are told: whether somebody must allow a plan is ours to know.
pub fn state(state: ClaimState) -> ClaimState {
    if state == ClaimState::AwaitingApproval { ClaimState::Investigating } else { state }
}

/// Whom a claim waits for, as customers are told: which of us decides is ours to know.
pub fn waiting_for(party: WaitingFor) -> WaitingFor {
    match party {
        WaitingFor::Approver
        | WaitingFor::Supervisor
        | WaitingFor::Quality
        | WaitingFor::Management
        | WaitingFor::Logistics => WaitingFor::Specialist,
        WaitingFor::Unspecified
        | WaitingFor::Customer
        | WaitingFor::Specialist
        | WaitingFor::Stock
        | WaitingFor::Carrier
        | WaitingFor::Warehouse
        | WaitingFor::Finance
        | WaitingFor::System => party,
    }
}

/// Whether a plan in force in this state was proposed or agreed: before, it is nobody's but ours.
pub fn knows_plan(state: ClaimState) -> bool {
    matches!(
        state,
        ClaimState::AwaitingConsent
            | ClaimState::Executing
            | ClaimState::FollowingUp
            | ClaimState::Closed
            | ClaimState::Rejected
    )
}
