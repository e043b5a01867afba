//! C13: the parked messages are exactly the bad ones, each with its reason, within 60 s (G14).

use std::collections::BTreeSet;

use proto::claim::claim_event;

use crate::evidence::{Evidence, Violation, ms};

/// Time within which a bad message must be in the list.
const VISIBLE_MS: u64 = 60_000;
const REASONS: [&str; 7] = [
    "UNDECODABLE",
    "PERMANENT_FAULT",
    "ATTEMPTS_USED_UP",
    "BROKEN",
    "BEHIND_PARKED",
    "WRONG_ORIGIN",
    "POLICY_VERSION_UNKNOWN",
];

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let expected = evidence.log.poison.iter().filter(|poison| poison.expect == "parked");
    let expected: Vec<_> = expected.collect();
    let names: BTreeSet<(&str, &str)> =
        expected.iter().map(|poison| (poison.service.as_str(), poison.event_id.as_str())).collect();
    for poison in &expected {
        let key = (poison.service.clone(), poison.event_id.clone());
        let listed = evidence.parked.iter().any(|(service, row)| (service, &row.event_id) == (&key.0, &key.1));
        // What an operator redrives or gives up leaves the list.
        if !listed && !evidence.parked_before.contains(&key) {
            let what = format!("bad message {} on {} is not in the parked list of {}", key.1, poison.subject, key.0);
            let by = poison.at_ms.max(evidence.log.calm_since()) + VISIBLE_MS;
            found.push(Violation::of("C13", &poison.claim, what).unless_mended_by(by));
        } else if !listed && !was_handled(evidence, &poison.service) {
            let what = format!("bad message {} left the parked list of {}, and nobody asked for it", key.1, key.0);
            found.push(Violation::of("C13", &poison.claim, what));
        }
    }
    let blocked: BTreeSet<(&str, &str)> = evidence
        .parked
        .iter()
        .filter(|(service, row)| names.contains(&(service.as_str(), row.event_id.as_str())))
        .map(|(service, row)| (service.as_str(), row.aggregate_id.as_str()))
        .collect();
    for (service, row) in &evidence.parked {
        let mut bad = |what: &str| {
            let what =
                format!("{service} parked {} on {} ({} {}): {what}", row.event_id, row.subject, row.reason, row.detail);
            found.push(Violation::of("C13", &row.aggregate_id, what));
        };
        let is_bad = names.contains(&(service.as_str(), row.event_id.as_str()));
        let is_behind =
            row.reason == "BEHIND_PARKED" && blocked.contains(&(service.as_str(), row.aggregate_id.as_str()));
        if !is_bad && !is_behind {
            bad("it is none of the bad messages");
        }
        if !REASONS.contains(&row.reason.as_str()) || row.subject.is_empty() {
            bad("it does not say why, or where from");
        }
    }
    let mut known = BTreeSet::new();
    for (service, row) in &evidence.parked {
        if !known.insert((service, &row.event_id)) {
            found.push(Violation::of("C13", &row.aggregate_id, format!("{service} parked {} twice", row.event_id)));
        }
    }
    found
}

fn was_handled(evidence: &Evidence, service: &str) -> bool {
    let asked = |method: &str| method == "DiscardParked" || method == "RedriveParked";
    evidence.log.calls.iter().any(|call| call.service == service && asked(&call.method))
}

/// Milliseconds from submission to the first plan of claims without poison: half of them are faster, before the first
/// bad message and from it on. It is told, not judged: too much else differs between two runs of a few seconds.
pub fn latency(evidence: &Evidence) -> Option<(u64, u64)> {
    let first = evidence.log.poison.iter().map(|poison| poison.at_ms).min()?;
    let poisoned: BTreeSet<&str> = evidence.log.poison.iter().map(|poison| poison.claim.as_str()).collect();
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for (claim, timeline) in evidence.timelines.iter().filter(|(claim, _)| !poisoned.contains(claim.as_str())) {
        let planned = timeline.iter().find(|event| matches!(event.kind, Some(claim_event::Kind::Planned(_))));
        let submitted = evidence.claims.get(claim).map(|claim| ms(claim.received_at.as_ref()));
        if let (Some(planned), Some(submitted)) = (planned, submitted) {
            let took = ms(planned.occurred_at.as_ref()).saturating_sub(submitted);
            if submitted < first { before.push(took) } else { during.push(took) }
        }
    }
    let middle = |mut all: Vec<u64>| {
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    Some((middle(before)?, middle(during)?))
}

#[cfg(test)]
mod tests {
    use proto::operations::Parked;

    use super::*;
    use crate::log::{Call, Poison};
    use crate::sample;

    fn poisoned() -> Evidence {
        let mut evidence = sample::good();
        let poison = Poison {
            event_id: "p".into(),
            service: "triage".into(),
            expect: "parked".into(),
            at_ms: 5,
            ..Poison::default()
        };
        evidence.log.poison.push(poison);
        let parked = |event_id: &str, reason: &str| Parked {
            event_id: event_id.into(),
            aggregate_id: "x".into(),
            reason: reason.into(),
            subject: "s".into(),
            ..Parked::default()
        };
        evidence.parked.push(("triage".into(), parked("p", "UNDECODABLE")));
        evidence.parked.push(("triage".into(), parked("q", "BEHIND_PARKED")));
        evidence
    }

    #[test]
    fn poison_and_what_waits_behind_it_is_parked() {
        assert_eq!(check(&poisoned()), Vec::new());
    }

    #[test]
    fn what_is_missing_or_too_much_is_found() {
        let mut evidence = poisoned();
        evidence.parked.remove(0);
        let found = check(&evidence);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].until_ms > 0);
        let mut evidence = poisoned();
        evidence.parked[0].0 = "intake".into();
        assert_eq!(check(&evidence).len(), 3);
        let mut evidence = poisoned();
        evidence.parked[0].1.reason = String::new();
        assert_eq!(check(&evidence).len(), 1);
    }

    #[test]
    fn an_operator_may_take_it_off_the_list() {
        let mut evidence = poisoned();
        evidence.parked.clear();
        evidence.parked_before.insert(("triage".into(), "p".into()));
        assert_eq!(check(&evidence).len(), 1);
        evidence.log.calls.push(Call { service: "triage".into(), method: "DiscardParked".into(), ..Call::default() });
        assert_eq!(check(&evidence), Vec::new());
    }

    #[test]
    fn latency_is_told_where_there_is_poison() {
        assert_eq!(latency(&sample::good()), None);
        let mut evidence = sample::good();
        evidence.log.poison.push(Poison { at_ms: sample::START + 1, ..Poison::default() });
        let late = evidence.timelines[sample::CLAIM].clone();
        evidence.timelines.insert("late".into(), late);
        let mut claim = evidence.claims[sample::CLAIM].clone();
        claim.received_at = Some(sample::at(sample::START + 2));
        evidence.claims.insert("late".into(), claim);
        assert!(latency(&evidence).is_some());
    }
}
