//! C7: the events of a claim, told one after the other, give the state that the services tell (G8).

use std::collections::{BTreeMap, BTreeSet};

use proto::claim::{ClaimEvent, ClaimState, LegMoved, LegState, Plan, claim_event};
use proto::orchestrator::{Process, SettlementState};

use crate::evidence::{Evidence, Violation, is_terminal, ms};

/// What the events tell.
#[derive(Default)]
struct Told<'a> {
    last: Option<&'a ClaimEvent>,
    plan: Option<&'a Plan>,
    /// Newest news of each line and leg in this round.
    legs: BTreeMap<(u32, i32), &'a LegMoved>,
    instructed: BTreeSet<&'a str>,
    paid: BTreeSet<&'a str>,
    tracking: BTreeSet<&'a str>,
    end_reason: &'a str,
}

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for (claim, process) in &evidence.processes {
        let told = fold(evidence.timeline(claim));
        found.extend(process_is(claim, process, &told).into_iter().map(|what| Violation::of("C7", claim, what)));
        found.extend(settlements_are(evidence, claim, &told));
        found.extend(intake_is(evidence, claim, process, &told));
    }
    found
}

fn fold(timeline: &[ClaimEvent]) -> Told<'_> {
    let mut told = Told::default();
    for event in timeline {
        if told.last.is_some_and(|last| last.round != event.round) {
            told.legs.clear();
        }
        told.last = Some(event);
        match &event.kind {
            Some(claim_event::Kind::Planned(planned)) => {
                told.plan = planned.plan.as_ref();
                told.legs.clear();
            }
            Some(claim_event::Kind::LegMoved(moved)) => {
                told.legs.insert((moved.line, moved.leg), moved);
                if !moved.tracking_no.is_empty() {
                    told.tracking.insert(&moved.tracking_no);
                }
            }
            Some(claim_event::Kind::SettlementInstructed(settlement)) => {
                told.instructed.insert(&settlement.settlement_id);
            }
            Some(claim_event::Kind::SettlementPaid(settlement)) => {
                told.paid.insert(&settlement.settlement_id);
            }
            Some(claim_event::Kind::Ended(ended)) => told.end_reason = &ended.reason,
            _ => {}
        }
    }
    told
}

fn process_is(claim: &str, process: &Process, told: &Told<'_>) -> Vec<String> {
    let Some(last) = told.last else {
        return vec![format!("there is a process of {claim}, and no event")];
    };
    let mut different = Vec::new();
    let mut compare = |what: &str, process: String, events: String| {
        if process != events {
            different.push(format!("{what}: the process says {process}, its events say {events}"));
        }
    };
    compare("state", format!("{:?}", process.state()), format!("{:?}", last.state()));
    compare("waiting_for", format!("{:?}", process.waiting_for()), format!("{:?}", last.waiting_for()));
    compare("round", process.round.to_string(), last.round.to_string());
    compare("events", process.events.to_string(), last.number.to_string());
    compare("claim_number", process.claim_number.clone(), last.claim_number.clone());
    compare("changed_at", format!("{:?}", process.changed_at), format!("{:?}", last.occurred_at));
    compare("end_reason", process.end_reason.clone(), told.end_reason.to_owned());
    if let (Some(plan), Some(planned)) = (&process.plan, told.plan) {
        compare("plan", format!("{plan:?}"), format!("{planned:?}"));
    }
    for ((line, leg), moved) in &told.legs {
        let states: Vec<LegState> = process
            .legs
            .iter()
            .filter(|row| row.line == *line && row.leg == *leg)
            .map(proto::orchestrator::LegStatus::state)
            .collect();
        // Between these two a leg moves without an event; there may be two legs of a kind, one of them brings goods back.
        let certain = matches!(moved.state(), LegState::Done | LegState::Failed);
        if certain && !states.is_empty() && !states.contains(&moved.state()) {
            compare(
                &format!("{:?} of line {line}", moved.leg()),
                format!("{states:?}"),
                format!("{:?}", moved.state()),
            );
        }
    }
    different
}

/// Settlements and parcels: what the events tell is there, and what is there was told.
fn settlements_are(evidence: &Evidence, claim: &str, told: &Told<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut bad = |what: String| found.push(Violation::of("C7", claim, what));
    let rows = evidence.settlements.iter().filter(|row| row.job.as_ref().is_some_and(|job| job.claim_id == claim));
    let mut known = BTreeSet::new();
    for row in rows {
        let id = row.settlement_id.as_str();
        known.insert(id);
        if !told.instructed.contains(id) {
            bad(format!("settlement {id} is there, and no event tells of it"));
        }
        if (row.state() == SettlementState::Paid) != told.paid.contains(id) {
            bad(format!("settlement {id} is {:?}, and its events say otherwise", row.state()));
        }
    }
    for id in told.instructed.union(&told.paid).filter(|id| !known.contains(**id)) {
        bad(format!("an event tells of settlement {id}, which is not there"));
    }
    let shipments = evidence.shipments.iter().filter(|row| row.job.as_ref().is_some_and(|job| job.claim_id == claim));
    let numbers: BTreeSet<&str> = shipments.map(|row| row.tracking_no.as_str()).collect();
    for number in told.tracking.difference(&numbers) {
        bad(format!("an event tells of parcel {number}, which is not there"));
    }
    found
}

/// Intake learns by messages: it may be late, but not for long.
fn intake_is(evidence: &Evidence, claim: &str, process: &Process, told: &Told<'_>) -> Vec<Violation> {
    let Some(intake) = evidence.claims.get(claim) else {
        return vec![Violation::of("C7", claim, "there is a process, and intake does not know the claim")];
    };
    if intake.withdrawal_requested || is_terminal(process.state()) || evidence.is_blocked(claim) {
        return Vec::new();
    }
    let asks = [ClaimState::AwaitingCustomer, ClaimState::AwaitingConsent, ClaimState::FollowingUp];
    let mut different = Vec::new();
    let (here, there) = (intake.state(), process.state());
    if here != there && (asks.contains(&here) || asks.contains(&there)) {
        different.push(format!("intake says {here:?}, the process {there:?}"));
    }
    let open = intake.open_plan.as_ref().map(|plan| plan.number);
    let planned = told.plan.map(|plan| plan.number).filter(|_| there == ClaimState::AwaitingConsent);
    if open != planned {
        different.push(format!("intake waits for an answer to plan {open:?}, the process to {planned:?}"));
    }
    let soon = evidence.soon(ms(process.changed_at.as_ref()));
    different.into_iter().map(|what| Violation::of("C7", claim, what).unless_mended_by(soon)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_state_that_no_event_tells_of() {
        let found = sample::found(check, |evidence| {
            let process = evidence.processes.get_mut(sample::CLAIM).unwrap();
            process.set_state(ClaimState::Executing);
            process.events += 1;
        });
        assert!(found.iter().any(|what| what.starts_with("state:")) && found.len() >= 2, "{found:?}");
    }

    #[test]
    fn a_leg_that_no_event_tells_of() {
        let found = sample::found(check, |evidence| {
            let process = evidence.processes.get_mut(sample::CLAIM).unwrap();
            let mut leg = proto::orchestrator::LegStatus { line: 1, ..Default::default() };
            leg.set_leg(proto::claim::Leg::Shipment);
            leg.set_state(LegState::Failed);
            process.legs.push(leg);
        });
        assert!(found.len() == 1 && found[0].starts_with("Shipment of line 1"), "{found:?}");
    }

    #[test]
    fn settlements_and_parcels_without_the_other_half() {
        let untold = sample::found(check, |evidence| {
            let mut row = evidence.settlements[0].clone();
            row.settlement_id = "untold".into();
            evidence.settlements.push(row);
        });
        assert_eq!(untold.len(), 2, "{untold:?}");
        let gone = sample::found(check, |evidence| evidence.settlements.clear());
        assert_eq!(gone.len(), 1, "{gone:?}");
        let parcel = sample::found(check, |evidence| evidence.shipments.clear());
        assert_eq!(parcel.len(), 1, "{parcel:?}");
    }

    #[test]
    fn intake_that_was_not_told() {
        let found = sample::found(check, |evidence| {
            let claim = evidence.claims.get_mut(sample::WAITING).unwrap();
            claim.set_state(ClaimState::Submitted);
        });
        assert_eq!(found, ["intake says Submitted, the process AwaitingCustomer"]);
    }
}
