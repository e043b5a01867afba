//! C8: of racing decisions one wins, and what callers were told about a claim fits one order (G9).

mod search;

use std::collections::{BTreeMap, BTreeSet};

use proto::claim::{Assessed, ClaimEvent, ClaimState, Planned, Resolution, Severity, claim_event};
use proto::escalation::{DecideWorkItemRequest, Ruling};
use proto::intake::AnswerPlanRequest;
use proto::policy::Pack;
use proto::policy::escalation::{Authority, Band};
use proto::policy::triage::Word;

use crate::evidence::{Evidence, Violation, is_terminal, ms};
use crate::log::{Call, Outcome};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = races(evidence);
    let mut by_claim: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in evidence.log.calls.iter().filter(|call| call.service == "intake") {
        if let Some(claim) = call.request["claimId"].as_str() {
            by_claim.entry(claim).or_default().push(call);
        }
    }
    for (claim, calls) in by_claim {
        let ended = evidence.has_ended(claim) || !evidence.processes.contains_key(claim);
        if let Some(why) = search::explain(&calls, ended) {
            found.push(Violation::of("C8", claim, why));
        }
    }
    found.extend(given_up(evidence));
    found.extend(decided_by_nobody(evidence));
    found
}

/// One version of one thing: whoever was acknowledged must be one request.
fn races(evidence: &Evidence) -> Vec<Violation> {
    let mut won: BTreeMap<String, (BTreeSet<&str>, String)> = BTreeMap::new();
    for call in evidence.log.calls.iter().filter(|call| call.outcome == Outcome::Ok) {
        let text = |field: &str| call.request[field].as_str().unwrap_or_default();
        let version = match call.method.as_str() {
            "DecideWorkItem" => format!("work item {} at version {}", text("workItemId"), text("etag")),
            "ReceiveReturn" if !text("etag").is_empty() => {
                format!("return {} at version {}", call.request["job"], text("etag"))
            }
            "AnswerQuestion" => format!("question {}", text("questionId")),
            "AnswerPlan" => format!("plan {}", call.request["planNumber"]),
            "WithdrawClaim" => "the withdrawal".to_owned(),
            "MarkDuplicate" => "the merging".to_owned(),
            "ConfirmReadBack" => "the read-back".to_owned(),
            _ => continue,
        };
        let claim = call.claim.clone().unwrap_or_else(|| text("claimId").to_owned());
        let key = format!("{}|{}|{version}", call.service, text("claimId"));
        won.entry(key).or_insert_with(|| (BTreeSet::new(), claim)).0.insert(&call.request_id);
    }
    let many = won.into_iter().filter(|(_, (requests, _))| requests.len() > 1);
    let text = |(key, (requests, claim)): (String, (BTreeSet<&str>, String))| {
        let version = key.rsplit('|').next().unwrap_or_default().to_owned();
        Violation::of("C8", &claim, format!("{version}: the requests {requests:?} were all acknowledged"))
    };
    many.map(text).collect()
}

/// An acknowledged withdrawal ends the claim, unless it had ended already; and so does that it was merged into another.
fn given_up(evidence: &Evidence) -> Vec<Violation> {
    let withdrawn = ("WithdrawClaim", "withdrawal", ClaimState::Withdrawn);
    let merged = ("MarkDuplicate", "merging", ClaimState::Duplicate);
    [withdrawn, merged].into_iter().flat_map(|how| ended_so(evidence, how)).collect()
}

fn ended_so(evidence: &Evidence, (method, noun, end): (&str, &str, ClaimState)) -> Vec<Violation> {
    let mut found = Vec::new();
    for call in evidence.log.calls.iter().filter(|call| call.is_ok(method)) {
        let claim = call.request["claimId"].as_str().unwrap_or_default();
        let Some(process) = evidence.processes.get(claim) else { continue };
        let soon = evidence.soon(call.ended_ms);
        if evidence.is_blocked(claim) {
            continue;
        }
        if is_terminal(process.state()) {
            let ended = evidence.ended_ms(claim).unwrap_or(0);
            let before = evidence.timeline(claim).iter().rev().nth(1).map(proto::claim::ClaimEvent::state);
            // Who is only asked whether it is solved has got all there is: withdrawn then, it is closed.
            let fits = process.state() == end || before == Some(ClaimState::FollowingUp);
            if !fits && ended > soon {
                let what = format!("its {noun} was acknowledged, and long afterwards it became {:?}", process.state());
                found.push(Violation::of("C8", claim, what));
            }
        } else if process.state() != ClaimState::Compensating {
            let what = format!("its {noun} was acknowledged, and it is {:?}", process.state());
            found.push(Violation::of("C8", claim, what).unless_mended_by(soon));
        }
    }
    found
}

/// Approvals and consents that no caller gave.
fn decided_by_nobody(evidence: &Evidence) -> Vec<Violation> {
    let sent = |method: &str| {
        let wanted = method.to_owned();
        evidence.log.calls.iter().filter(move |call| call.method == wanted && call.outcome != Outcome::Refused)
    };
    let mut found = Vec::new();
    for (claim, timeline) in &evidence.timelines {
        let mut consented = BTreeMap::new();
        for event in timeline {
            match &event.kind {
                Some(claim_event::Kind::Planned(planned)) => {
                    consented.extend(planned.plan.as_ref().map(|plan| (plan.number, plan.consented)));
                }
                Some(claim_event::Kind::Approved(approved)) => {
                    let items: BTreeSet<&str> = evidence
                        .tasks
                        .iter()
                        .filter(|item| item.claim_id == *claim)
                        .map(|item| item.work_item_id.as_str())
                        .collect();
                    if approved.by == "policy" && needs_nobody(evidence, timeline, approved.plan_number) {
                        continue;
                    }
                    let given = sent("DecideWorkItem")
                        .filter(|call| call.actor == approved.by && call.begun_ms <= ms(event.occurred_at.as_ref()));
                    let given = given.filter_map(Call::asked::<DecideWorkItemRequest>);
                    let mut given = given.filter(|asked| asked.ruling() == Ruling::Approve);
                    if !given.any(|asked| items.contains(asked.work_item_id.as_str())) {
                        let what =
                            format!("plan {} was approved by {}, who never did", approved.plan_number, approved.by);
                        found.push(Violation::of("C8", claim, what));
                    }
                }
                Some(claim_event::Kind::Consented(agreed)) if consented.get(&agreed.plan_number) == Some(&false) => {
                    let mut given = sent("AnswerPlan").filter_map(Call::asked::<AnswerPlanRequest>);
                    if !given.any(|asked| {
                        asked.claim_id == *claim && asked.plan_number == agreed.plan_number && asked.accepted
                    }) {
                        let what = format!("the customer never agreed to plan {}", agreed.plan_number);
                        found.push(Violation::of("C8", claim, what));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether the policy names nobody who approves this plan, as a cheap one after a dear one was denied.
fn needs_nobody(evidence: &Evidence, timeline: &[ClaimEvent], number: u32) -> bool {
    let Some(policy) = &evidence.policy else { return false };
    let mut severity = Severity::Unspecified;
    for event in timeline {
        match &event.kind {
            Some(claim_event::Kind::Assessed(Assessed { assessment: Some(judged) })) => severity = judged.severity(),
            Some(claim_event::Kind::Planned(Planned { plan: Some(plan), .. })) if plan.number == number => {
                let cost = plan.cost.as_ref().filter(|cost| cost.currency == policy.currency);
                let counted = plan.counted.as_ref().map_or(0, |counted| counted.minor_units);
                let cost = cost.map(|cost| cost.minor_units.max(counted));
                return plan.beyond.is_empty()
                    && plan.lines.iter().all(|line| nobody(policy, line.resolution(), severity, cost));
            }
            _ => {}
        }
    }
    false
}

/// Reckoned anew: the services use a function of the contract for it.
fn nobody(policy: &Pack, resolution: Resolution, severity: Severity, cost: Option<i64>) -> bool {
    let severity = if severity == Severity::Unspecified { Severity::General } else { severity };
    let about =
        |rule: &&Authority| rule.resolutions.contains(&Word(resolution)) && rule.severities.contains(&Word(severity));
    let Some(rule) = policy.escalation.authority.iter().find(about) else { return true };
    // What cannot be compared is in the last band.
    let fits = |band: &&Band| band.up_to.is_none_or(|most| cost.is_some_and(|cost| cost <= most));
    rule.bands.iter().find(fits).is_some_and(|band| band.roles.is_empty())
}

#[cfg(test)]
mod tests {
    use proto::claim::Money;

    use super::*;
    use crate::sample;

    #[test]
    fn two_winners_of_one_version() {
        let mut evidence = sample::good();
        assert_eq!(check(&evidence), Vec::new());
        let mut other = evidence.log.calls.iter().find(|call| call.method == "DecideWorkItem").unwrap().clone();
        other.request_id = "other".into();
        evidence.log.calls.push(Call { outcome: Outcome::Refused, reason: "WORK_ITEM_CLOSED".into(), ..other.clone() });
        assert_eq!(check(&evidence), Vec::new());
        evidence.log.calls.push(other);
        assert_eq!(check(&evidence).len(), 1);
    }

    #[test]
    fn a_withdrawal_that_was_ignored() {
        let mut evidence = sample::good();
        let request = serde_json::json!({"requestId": "w", "claimId": sample::WAITING});
        evidence.log.calls.push(sample::call("intake", "WithdrawClaim", "w", request, None));
        let found = check(&evidence);
        assert!(found.len() == 1 && found[0].until_ms > 0, "{found:?}");
    }

    #[test]
    fn the_policy_approves_what_needs_nobody_and_nothing_else() {
        let mut evidence = sample::good();
        for event in evidence.timelines.values_mut().flatten() {
            if let Some(claim_event::Kind::Approved(approved)) = &mut event.kind {
                "policy".clone_into(&mut approved.by);
            }
        }
        let cost = |evidence: &mut Evidence, minor_units| {
            for event in evidence.timelines.values_mut().flatten() {
                if let Some(claim_event::Kind::Planned(Planned { plan: Some(plan), .. })) = &mut event.kind {
                    plan.cost = Some(Money { minor_units, currency: "GBP".into() });
                }
            }
            check(evidence).len()
        };
        assert_eq!((cost(&mut evidence, 5_000), cost(&mut evidence, 5_001)), (0, 1));
        evidence.policy = None;
        assert_eq!(cost(&mut evidence, 5_000), 1, "without a policy nobody is known to be needless");
    }

    #[test]
    fn an_approval_and_a_consent_that_nobody_gave() {
        let mut evidence = sample::good();
        evidence.log.calls.retain(|call| call.method != "DecideWorkItem" && call.method != "AnswerPlan");
        assert_eq!(check(&evidence).len(), 2);
    }
}
