//! C2: one request id has one effect and one answer; with another request it is refused (G2).

use std::collections::{BTreeMap, BTreeSet};

use proto::intake::{Claim, SubmitClaimRequest};
use serde_json::Value;

use crate::evidence::{Evidence, Violation};
use crate::log::{Call, Outcome};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut by_key: BTreeMap<(&str, &str), Vec<&Call>> = BTreeMap::new();
    for call in evidence.log.calls.iter().filter(|call| !call.request_id.is_empty()) {
        by_key.entry((&call.service, &call.request_id)).or_default().push(call);
    }
    let mut found: Vec<Violation> = by_key.iter().flat_map(|(key, calls)| one_key(key.1, calls)).collect();
    found.extend(two_keys_for_one_claim(&by_key));
    found.extend(unexplained(evidence, &by_key));
    found
}

/// All attempts under one request id.
fn one_key(key: &str, calls: &[&Call]) -> Vec<Violation> {
    let mut found = Vec::new();
    let body = |call: &Call| (call.method.clone(), call.request.clone());
    let claim = calls.iter().find_map(|call| claim_of(call)).unwrap_or_default();
    let bad = |what: String| Violation::of("C2", &claim, format!("request {key}: {what}"));
    let won: Vec<&&Call> = calls.iter().filter(|call| call.outcome == Outcome::Ok).collect();
    if won.iter().any(|call| body(call) != body(won[0])) {
        found.push(bad("two different requests under one id were both acknowledged".to_owned()));
    } else if won.iter().any(|call| call.response != won[0].response) {
        found.push(bad("the same request was answered in two ways".to_owned()));
    }
    let reused = calls.iter().find(|call| call.reason == "REQUEST_ID_REUSED");
    if reused.is_some() && calls.iter().all(|call| body(call) == body(calls[0])) {
        found.push(bad("it was refused as reused, although every attempt was the same request".to_owned()));
    }
    if let (Some(reused), Some(first)) = (reused, won.first())
        && body(reused) == body(first)
    {
        found.push(bad("the request that was acknowledged was also refused as reused".to_owned()));
    }
    found
}

fn claim_of(call: &Call) -> Option<String> {
    let told = call.response.as_ref().and_then(|told| told["claim"]["claimId"].as_str());
    told.map(str::to_owned).or_else(|| call.claim.clone())
}

fn two_keys_for_one_claim(by_key: &BTreeMap<(&str, &str), Vec<&Call>>) -> Vec<Violation> {
    let mut keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for ((_, key), calls) in by_key {
        let submitted = calls.iter().find(|call| call.is_ok("SubmitClaim"));
        if let Some(id) = submitted.and_then(|call| claim_of(call)) {
            keys.entry(id).or_default().push(key);
        }
    }
    let shared = keys.into_iter().filter(|(_, keys)| keys.len() > 1);
    shared.map(|(id, keys)| Violation::of("C2", &id, format!("one claim was given to the requests {keys:?}"))).collect()
}

/// Claims that no acknowledged request has made: each needs a request of its own whose outcome is not known.
fn unexplained(evidence: &Evidence, by_key: &BTreeMap<(&str, &str), Vec<&Call>>) -> Vec<Violation> {
    let acknowledged = evidence.log.acknowledged();
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for calls in by_key.values() {
        let submits = || calls.iter().filter(|call| call.method == "SubmitClaim");
        let undecided = submits().next().is_some() && submits().all(|call| call.outcome != Outcome::Ok);
        if !undecided {
            continue;
        }
        // Under one id at most one of the different requests was taken; any of them may be.
        let unknown = submits().filter(|call| call.outcome == Outcome::Unknown);
        let asked = unknown.filter_map(|call| call.asked::<SubmitClaimRequest>());
        let contents: BTreeSet<String> = asked.map(|asked| content_asked(&asked).to_string()).collect();
        contents.into_iter().for_each(|content| *open.entry(content).or_default() += 1);
    }
    let mut found = Vec::new();
    for claim in evidence.claims.values().filter(|claim| !acknowledged.contains_key(&claim.claim_id)) {
        if proto::canary::is_marked(&claim.customer_ref) {
            continue;
        }
        match open.get_mut(&content_kept(claim).to_string()).filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => {
                let what = "nobody was told of this claim, and no request of unknown outcome explains it";
                found.push(Violation::of("C2", &claim.claim_id, what));
            }
        }
    }
    found
}

fn content_asked(asked: &SubmitClaimRequest) -> Value {
    let lines: Vec<Value> =
        asked.lines.iter().map(|line| serde_json::json!([line.sku, line.order_no, line.quantity])).collect();
    serde_json::json!([asked.customer_ref, lines])
}

fn content_kept(claim: &Claim) -> Value {
    let lines = claim.lines.iter();
    let lines: Vec<Value> = lines.map(|line| serde_json::json!([line.sku, line.order_no, line.quantity])).collect();
    serde_json::json!([claim.customer_ref, lines])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn two_answers_for_one_key_are_found() {
        let mut evidence = sample::good();
        assert_eq!(check(&evidence), Vec::new());
        let mut again = sample::submit().clone();
        again.response.as_mut().unwrap()["claim"]["claimId"] = "another".into();
        evidence.log.calls.push(again);
        assert!(check(&evidence).iter().any(|violation| violation.what.contains("two ways")));
    }

    #[test]
    fn another_request_under_a_known_id_must_be_refused() {
        let mut evidence = sample::good();
        let mut other = sample::submit();
        other.request["customerRef"] = "other".into();
        let refused =
            Call { outcome: Outcome::Refused, reason: "REQUEST_ID_REUSED".into(), response: None, ..other.clone() };
        evidence.log.calls.push(refused);
        assert_eq!(check(&evidence), Vec::new());
        evidence.log.calls.push(other);
        assert!(check(&evidence).iter().any(|violation| violation.what.contains("both acknowledged")));
    }

    #[test]
    fn a_second_claim_needs_an_unknown_outcome() {
        let mut evidence = sample::good();
        let twin = Claim { claim_id: "twin".into(), ..evidence.claims[sample::CLAIM].clone() };
        evidence.claims.insert("twin".into(), twin.clone());
        assert_eq!(check(&evidence).len(), 1);
        let unknown = Call { request_id: "r3".into(), outcome: Outcome::Unknown, response: None, ..sample::submit() };
        evidence.log.calls.push(unknown);
        assert_eq!(check(&evidence), Vec::new());
        evidence.claims.insert("twin2".into(), Claim { claim_id: "twin2".into(), ..twin });
        assert_eq!(check(&evidence).len(), 1);
    }
}
