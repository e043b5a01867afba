//! The process of a claim.

use super::{knows_plan, plan, state, waiting_for};
use crate::claim::WaitingFor;
use crate::orchestrator::{Process, Settlement, Waiting};

/// A process. Before a plan is proposed neither it nor its legs are told.
pub fn process(process: &Process) -> Process {
    let known = knows_plan(process.state());
    Process {
        claim_id: process.claim_id.clone(),
        claim_number: process.claim_number.clone(),
        state: state(process.state()).into(),
        waiting_for: waiting_for(process.waiting_for()).into(),
        round: process.round,
        plan: process.plan.as_ref().filter(|_| known).map(plan),
        legs: if known { process.legs.iter().map(leg).collect() } else { Vec::new() },
        events: process.events,
        changed_at: process.changed_at,
        end_reason: process.end_reason.clone(),
        settlements: process.settlements.iter().map(settlement).collect(),
        waiting: waiting(&process.waiting, known),
        policy: String::new(),
    }
}

fn leg(leg: &crate::orchestrator::LegStatus) -> crate::orchestrator::LegStatus {
    crate::orchestrator::LegStatus { waiting_for: waiting_for(leg.waiting_for()).into(), ..*leg }
}

/// Parties that are one for the customer are told once. What is asked of the customer is said with its reason.
fn waiting(all: &[Waiting], known: bool) -> Vec<Waiting> {
    let mut told: Vec<Waiting> = Vec::new();
    for waiting in all {
        let party = waiting_for(waiting.party());
        let (line, leg) = if known { (waiting.line, waiting.leg) } else { (waiting.line, 0) };
        let reason = if party == WaitingFor::Customer { waiting.reason.clone() } else { String::new() };
        let waiting = Waiting { party: party.into(), role: 0, line, leg, reason };
        if !told.contains(&waiting) {
            told.push(waiting);
        }
    }
    told
}

fn settlement(settlement: &Settlement) -> Settlement {
    Settlement {
        settlement_id: settlement.settlement_id.clone(),
        job: settlement.job.clone(),
        amount: settlement.amount.clone(),
        quantity: settlement.quantity,
        state: settlement.state,
        instructed_at: settlement.instructed_at,
        gross: settlement.gross.clone(),
        freight_kept: settlement.freight_kept.clone(),
        credit_note: settlement.credit_note.clone(),
        tax: settlement.tax.clone(),
        reference: settlement.reference.clone(),
        decided_at: settlement.decided_at,
        ..Settlement::default()
    }
}
