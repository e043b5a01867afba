//! A small search: is there one order of the calls about a claim that explains every answer? Calls that overlap may
//! stand either way round, a call of unknown outcome may have happened at any later moment or never, and that the claim
//! ends at intake may happen between any two calls.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::log::{Call, Outcome};

/// Histories with more calls are not judged: a workload has a few calls for each claim.
const CALLS_MAX: usize = 60;

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Withdraw,
    Duplicate,
    Question(String),
    Plan(String),
    FollowUp,
    ReadBack,
    Evidence,
    Contact,
}

/// All attempts under one request id.
#[derive(Clone, Debug)]
struct Op {
    what: What,
    begun: u64,
    /// `u64::MAX`: unknown, it may happen at any later moment or never.
    ended: u64,
    outcome: Outcome,
    reason: String,
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    ended: bool,
    withdrawn: bool,
    duplicate: bool,
    read_back: bool,
    answered: BTreeSet<String>,
}

/// Why the calls cannot be put into an order; `None`: they can. `may_end`: the claim may have ended.
pub fn explain(calls: &[&Call], may_end: bool) -> Option<String> {
    let mut ops = operations(calls);
    ops.sort_by_key(|op| op.begun);
    // A part of a history proves nothing: a call may be explained by one that is left out.
    if ops.len() > CALLS_MAX || fits(&ops, may_end, 0, &State::default(), &mut HashSet::new()) {
        return None;
    }
    let told: Vec<String> = ops.iter().map(Op::text).collect();
    Some(format!("no order of these calls explains their answers: {}", told.join("; ")))
}

fn operations(calls: &[&Call]) -> Vec<Op> {
    let mut by_key: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.reason != "REQUEST_ID_REUSED") {
        by_key.entry(&call.request_id).or_default().push(call);
    }
    by_key.into_values().filter_map(|attempts| operation(&attempts)).collect()
}

fn operation(attempts: &[&Call]) -> Option<Op> {
    let first = attempts.first()?;
    let text = |field: &str| first.request[field].as_str().unwrap_or_default().to_owned();
    let what = match first.method.as_str() {
        "WithdrawClaim" => What::Withdraw,
        "MarkDuplicate" => What::Duplicate,
        "AnswerQuestion" => What::Question(text("questionId")),
        "AnswerPlan" => What::Plan(first.request["planNumber"].to_string()),
        "AnswerFollowUp" => What::FollowUp,
        "ConfirmReadBack" => What::ReadBack,
        "AddEvidence" => What::Evidence,
        "LogContact" => What::Contact,
        _ => return None,
    };
    // What is refused because it is too much or unreadable says nothing of the claim.
    let says = |call: &&&Call| match call.outcome {
        Outcome::Ok => true,
        Outcome::Refused => matches!(
            call.reason.as_str(),
            "CLAIM_ENDED" | "ALREADY_WITHDRAWN" | "ALREADY_DUPLICATE" | "ALREADY_CONFIRMED"
        ),
        Outcome::Unknown => false,
    };
    let begun = attempts.iter().map(|call| call.begun_ms).min()?;
    let known = attempts.iter().filter(says).min_by_key(|call| (call.outcome != Outcome::Ok, call.ended_ms));
    let unknown = attempts.iter().any(|call| call.outcome == Outcome::Unknown);
    let (ended, outcome, reason) = match known {
        Some(call) => (call.ended_ms, call.outcome, call.reason.clone()),
        None if unknown => (u64::MAX, Outcome::Unknown, String::new()),
        None => return None,
    };
    Some(Op { what, begun, ended, outcome, reason, name: format!("{} {}", first.method, first.request_id) })
}

/// Whether the calls that are left (not in `done`) can follow `state`.
fn fits(ops: &[Op], may_end: bool, done: u64, state: &State, tried: &mut HashSet<(u64, State)>) -> bool {
    let left = || ops.iter().enumerate().filter(|(at, _)| done & (1 << at) == 0);
    if left().all(|(_, op)| op.outcome == Outcome::Unknown) {
        return true;
    }
    if !tried.insert((done, state.clone())) {
        return false;
    }
    // Whoever began after another had ended comes after it.
    let first_end = left().map(|(_, op)| op.ended).min().unwrap_or(u64::MAX);
    for (at, op) in left().filter(|(_, op)| op.begun <= first_end) {
        if let Some(next) = op.on(state)
            && fits(ops, may_end, done | (1 << at), &next, tried)
        {
            return true;
        }
        if op.outcome == Outcome::Unknown && fits(ops, may_end, done | (1 << at), state, tried) {
            return true;
        }
    }
    let end = State { ended: true, ..state.clone() };
    may_end && !state.ended && fits(ops, may_end, done, &end, tried)
}

impl Op {
    /// The claim after this call with this answer; `None`: it cannot have been answered so.
    fn on(&self, state: &State) -> Option<State> {
        let mut next = state.clone();
        if self.outcome == Outcome::Refused {
            let fits = match self.reason.as_str() {
                "CLAIM_ENDED" => state.ended,
                "ALREADY_WITHDRAWN" => state.withdrawn,
                "ALREADY_DUPLICATE" => state.duplicate,
                "ALREADY_CONFIRMED" => state.read_back,
                _ => true,
            };
            return fits.then_some(next);
        }
        let wanted = !state.withdrawn && !state.duplicate;
        let new = match &self.what {
            What::Withdraw => !std::mem::replace(&mut next.withdrawn, true) && wanted,
            What::Duplicate => !std::mem::replace(&mut next.duplicate, true) && wanted,
            What::Question(id) => wanted && next.answered.insert(format!("question {id}")),
            What::Plan(number) => wanted && next.answered.insert(format!("plan {number}")),
            What::FollowUp => wanted,
            What::ReadBack => !std::mem::replace(&mut next.read_back, true),
            What::Evidence | What::Contact => true,
        };
        (new && !state.ended).then_some(next)
    }

    fn text(&self) -> String {
        let answer = if self.reason.is_empty() { format!("{:?}", self.outcome) } else { self.reason.clone() };
        format!("{} [{} to {}] {answer}", self.name, self.begun, self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, key: &str, span: (u64, u64), outcome: Outcome, reason: &str) -> Call {
        Call {
            method: method.into(),
            service: "intake".into(),
            request_id: key.into(),
            begun_ms: span.0,
            ended_ms: span.1,
            outcome,
            reason: reason.into(),
            request: serde_json::json!({"claimId": "c", "questionId": "q1", "planNumber": 1}),
            ..Call::default()
        }
    }

    fn explained(calls: &[Call], may_end: bool) -> bool {
        explain(&calls.iter().collect::<Vec<_>>(), may_end).is_none()
    }

    #[test]
    fn overlapping_calls_may_stand_either_way_round() {
        let answer = call("AnswerQuestion", "a", (1, 10), Outcome::Ok, "");
        let withdraw = call("WithdrawClaim", "w", (2, 5), Outcome::Ok, "");
        assert!(explained(&[answer.clone(), withdraw.clone()], false));
        let late = Call { begun_ms: 6, ..answer };
        assert!(!explained(&[late, withdraw], false));
    }

    #[test]
    fn a_claim_is_withdrawn_or_merged_and_not_both() {
        let merged = call("MarkDuplicate", "m", (1, 2), Outcome::Ok, "");
        let late = call("WithdrawClaim", "w", (3, 4), Outcome::Ok, "");
        assert!(!explained(&[merged.clone(), late.clone()], false));
        let refused = Call { outcome: Outcome::Refused, reason: "ALREADY_DUPLICATE".into(), ..late };
        assert!(explained(&[merged, refused.clone()], false));
        assert!(!explained(&[refused], false));
    }

    #[test]
    fn an_unknown_outcome_may_be_either() {
        let unknown = call("WithdrawClaim", "w", (1, 5), Outcome::Unknown, "");
        let answer = call("AnswerQuestion", "a", (6, 7), Outcome::Ok, "");
        let refused = call("AnswerPlan", "p", (8, 9), Outcome::Refused, "ALREADY_WITHDRAWN");
        assert!(explained(&[unknown.clone(), answer.clone(), refused.clone()], false));
        assert!(!explained(&[answer, refused], false));
    }

    #[test]
    fn after_the_end_nothing_is_accepted() {
        let refused = call("WithdrawClaim", "w", (1, 2), Outcome::Refused, "CLAIM_ENDED");
        let answer = call("AnswerQuestion", "a", (3, 4), Outcome::Ok, "");
        assert!(explained(std::slice::from_ref(&refused), true));
        assert!(!explained(std::slice::from_ref(&refused), false));
        assert!(!explained(&[refused, answer], true));
    }

    #[test]
    fn a_retry_is_one_call() {
        let lost = call("WithdrawClaim", "w", (1, 5), Outcome::Unknown, "");
        let known = call("WithdrawClaim", "w", (6, 7), Outcome::Ok, "");
        assert!(explained(&[lost.clone(), known], false));
        let twice =
            [call("WithdrawClaim", "w", (1, 2), Outcome::Ok, ""), call("WithdrawClaim", "x", (3, 4), Outcome::Ok, "")];
        assert!(!explained(&twice, false));
    }
}
