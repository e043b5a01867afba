//! C9: every claim has ended or waits for somebody named, 30 s after the last fault (G12, G16).

use proto::claim::WaitingFor;

use crate::evidence::{Evidence, Violation, is_terminal, ms};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let unread = evidence.unread.iter();
    let mut found: Vec<Violation> =
        unread.map(|what| Violation::general("C9", format!("it cannot be read for 30 s: {what}"))).collect();
    if !found.is_empty() {
        return found;
    }
    for claim in evidence.known_claims() {
        if evidence.is_blocked(claim) {
            continue;
        }
        let Some(process) = evidence.processes.get(claim) else {
            let received = evidence.claims.get(claim).map_or(0, |claim| ms(claim.received_at.as_ref()));
            let what = "it was recorded, and no process was begun for it";
            found.push(Violation::of("C9", claim, what).unless_mended_by(evidence.soon(received)));
            continue;
        };
        if !is_terminal(process.state()) && !is_named(process.waiting_for()) {
            let legs: Vec<String> = process
                .legs
                .iter()
                .filter(|leg| leg.waiting_for() == WaitingFor::System)
                .map(|leg| format!("{:?} of line {} attempt {}", leg.leg(), leg.line, leg.attempt))
                .collect();
            let what = format!("it is {:?} and waits for {:?} {legs:?}", process.state(), process.waiting_for());
            let since = ms(process.changed_at.as_ref());
            found.push(Violation::of("C9", claim, what).unless_mended_by(evidence.soon(since)));
        }
    }
    found
}

/// Somebody outside of the services: they have no runnable step.
pub fn is_named(party: WaitingFor) -> bool {
    !matches!(party, WaitingFor::Unspecified | WaitingFor::System)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_claim_that_waits_for_a_service_is_stuck() {
        let mut evidence = sample::good();
        assert_eq!(check(&evidence), Vec::new());
        evidence.processes.get_mut(sample::WAITING).unwrap().set_waiting_for(WaitingFor::System);
        let found = check(&evidence);
        assert!(found.len() == 1 && found[0].until_ms > 0, "{found:?}");
        evidence.parked.push((
            "triage".into(),
            proto::operations::Parked { aggregate_id: sample::WAITING.into(), ..Default::default() },
        ));
        evidence.expect_parked = true;
        assert_eq!(check(&evidence), Vec::new());
    }

    #[test]
    fn a_claim_without_a_process_is_stuck() {
        let mut evidence = sample::good();
        evidence.processes.remove(sample::CLAIM);
        assert_eq!(check(&evidence).len(), 1);
    }
}
