//! Rows as messages of the contract.

use std::collections::HashSet;

use proto::claim::{Job, Money};
use proto::orchestrator::{GetEntitlementResponse, Process, Settlement};
use proto::to_wire;
use uuid::Uuid;

use crate::entitlement::Ledger;
use crate::events;
use crate::settlement;
use crate::store::reads::Listed;
use crate::stored::Stored;

/// A process, whole.
pub(crate) fn process(claim: Uuid, stored: &Stored, settlements: &[settlement::Settlement], policy: String) -> Process {
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
        settlements: settlements.iter().map(settlement).collect(),
        waiting: events::waiting(&stored.process),
        policy,
    }
}

/// A process in a list: without plan and legs, and with each party once.
pub(crate) fn listed(row: &Listed) -> Process {
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
        waiting,
        settlements: Vec::new(),
        policy: String::new(),
    }
}

pub(crate) fn settlement(row: &settlement::Settlement) -> Settlement {
    let (round, line, attempt) = row.job;
    let money = |minor_units| Money { minor_units, currency: row.currency.clone() };
    Settlement {
        settlement_id: row.settlement_id.to_string(),
        job: Some(Job { claim_id: row.claim.to_string(), round, line, attempt }),
        amount: Some(money(row.amount)),
        quantity: row.quantity,
        state: row.state as i32,
        instructed_at: Some(to_wire(row.instructed_at)),
        gross: Some(money(row.gross())),
        freight_kept: (row.freight_kept > 0).then(|| money(row.freight_kept)),
        allowed: row.allowed.map(money),
        credit_note: row.credit_note.clone(),
        reference: row.reference.clone(),
        failure: row.failure.clone(),
        confirmed_by: row.confirmed_by.clone(),
        decided_at: row.decided_at.map(to_wire),
        tax: row.tax.map(money),
    }
}

/// Ledgers, added up; none: nobody claimed from them. An order has one currency: what a mistaken line has in another is
/// left out of the sums.
pub(crate) fn entitlement(ledgers: &[Ledger]) -> Option<GetEntitlementResponse> {
    let currency = &ledgers.first()?.sale.currency;
    let units = |of: fn(&Ledger) -> u32| ledgers.iter().map(of).fold(0, u32::saturating_add);
    let money = |of: fn(&Ledger) -> i64| {
        let of_order = ledgers.iter().filter(|ledger| ledger.sale.currency == *currency);
        Some(Money { minor_units: of_order.map(of).sum(), currency: currency.clone() })
    };
    Some(GetEntitlementResponse {
        sold: units(Ledger::sold),
        held: units(|ledger| ledger.held),
        given: units(|ledger| ledger.given),
        paid: money(|ledger| ledger.paid),
        compensated: money(|ledger| ledger.compensated),
        replaced: units(|ledger| ledger.replaced),
        version: ledgers.iter().map(|ledger| ledger.sale.version).max()?,
    })
}
