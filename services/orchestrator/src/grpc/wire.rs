//! Rows as messages of the contract.

use std::collections::HashSet;

use proto::claim::{Job, Money};
use proto::orchestrator::{GetEntitlementResponse, Process, Settlement};
use proto::to_wire;
use uuid::Uuid;

use crate::entitlement::Ledger;
use crate::events;
use crate::settlement;
use crate::store::processes::Stored;
use crate::store::reads::Listed;

/// A process, whole.
pub(super) fn process(claim: Uuid, stored: &Stored) -> Process {
    Process {
        claim_id: claim.to_string(),
        claim_number: stored.case.submitted.claim_number.clone(),
        state: stored.summary.state,
        waiting_for: stored.summary.waiting_for,
        round: stored.summary.round,
        plan: stored.plan.clone(),
        legs: events::legs(&stored.process),
        events: stored.events,
        changed_at: Some(to_wire(stored.changed_at)),
        end_reason: stored.summary.end_reason.clone(),
        settlements: Vec::new(),
        waiting: events::waiting(&stored.process),
    }
}

/// A process in a list: without plan and legs, and with each party once.
pub(super) fn listed(row: &Listed) -> Process {
    let mut waiting = events::waiting(&row.process);
    let mut known = HashSet::new();
    waiting.retain(|waiting| known.insert(waiting.party));
    Process {
        claim_id: row.claim.to_string(),
        claim_number: row.claim_number.clone(),
        state: row.summary.state,
        waiting_for: row.summary.waiting_for,
        round: row.summary.round,
        plan: None,
        legs: Vec::new(),
        events: row.events,
        changed_at: Some(to_wire(row.changed_at)),
        end_reason: row.summary.end_reason.clone(),
        settlements: Vec::new(),
        waiting,
    }
}

/// A settlement.
pub(crate) fn settlement(row: &settlement::Settlement) -> Settlement {
    let (round, line, attempt) = row.job;
    Settlement {
        settlement_id: row.settlement_id.to_string(),
        job: Some(Job { claim_id: row.claim.to_string(), round, line, attempt }),
        amount: Some(Money { minor_units: row.amount, currency: row.currency.clone() }),
        quantity: row.quantity,
        state: row.state as i32,
        instructed_at: Some(to_wire(row.instructed_at)),
        ..Settlement::default()
    }
}

/// A ledger.
pub(super) fn entitlement(ledger: &Ledger) -> GetEntitlementResponse {
    let money = |minor_units| Some(Money { minor_units, currency: ledger.sale.currency.clone() });
    GetEntitlementResponse {
        sold: ledger.sale.sold,
        held: ledger.held,
        given: ledger.given,
        paid: money(ledger.paid),
        compensated: money(ledger.compensated),
        ..GetEntitlementResponse::default()
    }
}
