//! Only what came back and counts is refunded (domain rules 2 and 6): what is as claimed, and what a person let count. A
//! claim that ends because nothing came, or because what came does not count, has paid nothing.

use proto::claim::{ClaimEvent, Job, LinePlan, Plan, Resolution, ReturnCount, claim_event};
use proto::escalation::{Ruling, WorkKind};
use proto::inventory::{ReceiveReturnRequest, Return};
use proto::orchestrator::Settlement;

use crate::evidence::{Evidence, Violation, job_text, ms, plan_told};
use crate::log::{Call, Outcome};

/// Nothing of what was to come back came.
const NOTHING: &str = "NOTHING_RETURNED";
/// What came does not count.
const NOT_ACCEPTED: &str = "RETURN_NOT_ACCEPTED";

/// Looks for violations.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = refunds(evidence);
    for (claim, timeline) in &evidence.timelines {
        let Some(claim_event::Kind::Ended(ended)) = timeline.last().and_then(|last| last.kind.as_ref()) else {
            continue;
        };
        if matches!(ended.reason.as_str(), NOTHING | NOT_ACCEPTED) {
            found.extend(rejected(evidence, timeline, &ended.reason).map(|what| Violation::of("C3", claim, what)));
        }
    }
    found
}

/// A refund of what comes back is for no more units than came and count.
fn refunds(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for row in &evidence.settlements {
        let Some(job) = &row.job else { continue };
        // A line may have been planned otherwise before, or afterwards.
        let line = plan_of(evidence, row).and_then(|plan| plan.lines.iter().find(|line| line.line == job.line));
        if line.is_none_or(|line| line.resolution() != Resolution::ReturnRefund) {
            continue;
        }
        let counts: u32 = returns(evidence, job).map(|back| counting(evidence, job, back)).sum();
        if row.quantity > counts {
            let what = format!("{}: {} units refunded, {counts} came back and count", job_text(job), row.quantity);
            found.push(Violation::of("C3", &job.claim_id, what));
        }
    }
    found
}

/// The plan by which a settlement was instructed.
pub(super) fn plan_of<'e>(evidence: &'e Evidence, row: &Settlement) -> Option<&'e Plan> {
    let timeline = evidence.timeline(&row.job.as_ref()?.claim_id);
    let told = |event: &ClaimEvent| match &event.kind {
        Some(claim_event::Kind::SettlementInstructed(told)) => told.settlement_id == row.settlement_id,
        _ => false,
    };
    plan(&timeline[..timeline.iter().position(told)?])
}

fn plan(timeline: &[ClaimEvent]) -> Option<&Plan> {
    timeline.iter().rev().find_map(plan_told)
}

/// What came back for a line of a round.
pub(super) fn returns<'e>(evidence: &'e Evidence, of: &'e Job) -> impl Iterator<Item = &'e Return> {
    let same = |job: &Job| (&job.claim_id, job.round, job.line) == (&of.claim_id, of.round, of.line);
    evidence.returns.iter().filter(move |row| row.job.as_ref().is_some_and(same))
}

/// Units that count: those that are as claimed, and of the others those that a person let count.
pub(super) fn counting(evidence: &Evidence, job: &Job, back: &Return) -> u32 {
    let let_count = |reason: &str| {
        evidence.tasks.iter().any(|item| {
            let about = item.kind() == WorkKind::ReturnMismatch && item.reason == reason;
            about && item.claim_id == job.claim_id && item.line == job.line && item.ruling() == Ruling::Approve
        })
    };
    let ReturnCount { accepted, damaged, wrong_item, not_as_claimed, .. } = back.count.unwrap_or_default();
    let other = if let_count("WRONG_ITEM_RETURNED") { wrong_item } else { 0 };
    let unclear = if let_count("RETURN_NOT_AS_CLAIMED") { damaged + not_as_claimed } else { 0 };
    accepted + other + unclear
}

/// What speaks against it that a claim ended so.
fn rejected(evidence: &Evidence, timeline: &[ClaimEvent], reason: &str) -> Option<String> {
    let end = timeline.last()?;
    let begin = timeline.iter().rposition(|event| matches!(event.kind, Some(claim_event::Kind::Planned(_))))?;
    let lines = plan(timeline)?.lines.iter().filter(|line| line.resolution() == Resolution::ReturnRefund);
    let lines: Vec<&LinePlan> = lines.collect();
    if lines.is_empty() {
        return Some(format!("it ended with {reason}, and nothing was to come back"));
    }
    if timeline[begin..].iter().any(|event| matches!(event.kind, Some(claim_event::Kind::SettlementPaid(_)))) {
        return Some(format!("it ended with {reason}, and was paid"));
    }
    let job = |line: &&LinePlan| Job { claim_id: end.claim_id.clone(), round: end.round, line: line.line, attempt: 0 };
    let jobs: Vec<Job> = lines.iter().map(job).collect();
    let mut rows = jobs.iter().flat_map(|job| returns(evidence, job)).filter_map(|row| row.job.as_ref()).peekable();
    let before = ms(end.occurred_at.as_ref());
    let fits = match reason {
        NOTHING => rows.peek().is_none() || rows.any(|job| !came(evidence, job, before, true)),
        _ => rows.any(|job| came(evidence, job, before, false)),
    };
    (!fits).then(|| format!("it ended with {reason}, and the warehouse counted otherwise"))
}

/// Whether units of a return were counted before a moment; `for_certain`: and that was answered by then, and nobody had said
/// before that nothing more comes. What comes after that is late: whoever heard of the end first may have ended the claim.
fn came(evidence: &Evidence, job: &Job, before_ms: u64, for_certain: bool) -> bool {
    let receipts = || evidence.log.calls.iter().filter(|call| call.method == "ReceiveReturn");
    let last = |call: &Call| {
        let asked = call.asked::<ReceiveReturnRequest>().filter(|asked| asked.job.as_ref() == Some(job));
        call.outcome == Outcome::Ok && asked.is_some_and(|asked| asked.last)
    };
    let complete = receipts().filter(|call| last(call)).map(|call| call.ended_ms).min().unwrap_or(u64::MAX);
    receipts().any(|call| {
        let in_time = if for_certain {
            call.outcome == Outcome::Ok && call.ended_ms < before_ms && call.begun_ms <= complete
        } else {
            call.outcome != Outcome::Refused && call.begun_ms < before_ms
        };
        in_time && units(call.asked().as_ref(), job) > 0
    })
}

fn units(asked: Option<&ReceiveReturnRequest>, job: &Job) -> u32 {
    let of_job = asked.filter(|asked| asked.job.as_ref() == Some(job));
    of_job.map_or(0, |asked| asked.accepted + asked.damaged + asked.wrong_item + asked.unsalable + asked.not_as_claimed)
}

#[cfg(test)]
mod tests {
    use proto::claim::ClaimState;
    use proto::escalation::WorkItem;
    use serde_json::json;

    use super::*;
    use crate::sample;

    /// The refund of line 2 waits for goods, of which these came.
    fn returned(evidence: &mut Evidence, count: ReturnCount) {
        for event in evidence.timelines.get_mut(sample::CLAIM).unwrap() {
            if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                planned.plan.as_mut().unwrap().lines[1].set_resolution(Resolution::ReturnRefund);
            }
        }
        let job = evidence.settlements[0].job.clone();
        evidence.returns.push(Return { job, count: Some(count), announced: 2, ..Return::default() });
    }

    fn ruled(evidence: &mut Evidence, reason: &str, ruling: Ruling) {
        evidence.tasks.push(WorkItem {
            kind: WorkKind::ReturnMismatch as i32,
            claim_id: sample::CLAIM.into(),
            line: 2,
            reason: reason.into(),
            ruling: ruling as i32,
            ..WorkItem::default()
        });
    }

    #[test]
    fn only_what_came_back_and_counts_is_refunded() {
        let all = ReturnCount { accepted: 2, ..ReturnCount::default() };
        assert_eq!(sample::found(check, |evidence| returned(evidence, all)), Vec::<String>::new());
        let one = ReturnCount { accepted: 1, missing: 1, ..ReturnCount::default() };
        let found = sample::found(check, |evidence| returned(evidence, one));
        assert_eq!(found, ["round 1 line 2 attempt 1: 2 units refunded, 1 came back and count"]);
    }

    #[test]
    fn what_is_not_as_claimed_counts_if_a_person_said_so() {
        let doubtful =
            |not_as_claimed, wrong_item| ReturnCount { not_as_claimed, wrong_item, ..ReturnCount::default() };
        let after = |count, reason: &str, ruling| {
            sample::found(check, |evidence| {
                returned(evidence, count);
                ruled(evidence, reason, ruling);
            })
            .len()
        };
        assert_eq!(after(doubtful(2, 0), "RETURN_NOT_AS_CLAIMED", Ruling::Approve), 0);
        assert_eq!(after(doubtful(2, 0), "RETURN_NOT_AS_CLAIMED", Ruling::Deny), 1);
        assert_eq!(after(doubtful(2, 0), "WRONG_ITEM_RETURNED", Ruling::Approve), 1);
        assert_eq!(after(doubtful(0, 2), "WRONG_ITEM_RETURNED", Ruling::Approve), 0);
        assert_eq!(after(doubtful(1, 1), "WRONG_ITEM_RETURNED", Ruling::Approve), 1);
    }

    /// The claim was rejected before anything was paid.
    fn ended(evidence: &mut Evidence, reason: &str) {
        returned(evidence, ReturnCount::default());
        let timeline = evidence.timelines.get_mut(sample::CLAIM).unwrap();
        timeline.retain(|event| {
            !matches!(
                event.kind,
                Some(claim_event::Kind::SettlementPaid(_) | claim_event::Kind::SettlementInstructed(_))
            )
        });
        let last = timeline.last_mut().unwrap();
        last.set_state(ClaimState::Rejected);
        let outcome = ClaimState::Rejected as i32;
        let reason = reason.to_owned();
        last.kind = Some(claim_event::Kind::Ended(proto::claim::Ended { outcome, reason, ..Default::default() }));
    }

    fn receive(evidence: &mut Evidence) {
        let job = serde_json::to_value(&evidence.settlements[0].job).unwrap();
        let request = json!({"requestId": "b", "job": job, "wrongItem": 2, "last": true});
        evidence.log.calls.push(sample::call("inventory", "ReceiveReturn", "b", request, None));
    }

    #[test]
    fn a_claim_may_end_because_nothing_came_or_what_came_does_not_count() {
        assert_eq!(sample::found(check, |evidence| ended(evidence, NOTHING)), Vec::<String>::new());
        let denied = |evidence: &mut Evidence| {
            ended(evidence, NOT_ACCEPTED);
            receive(evidence);
        };
        assert_eq!(sample::found(check, denied), Vec::<String>::new());
    }

    #[test]
    fn what_comes_after_nothing_more_was_to_come_is_late() {
        let late = |evidence: &mut Evidence| {
            ended(evidence, NOTHING);
            let job = serde_json::to_value(&evidence.settlements[0].job).unwrap();
            let first = json!({"requestId": "first", "job": job, "last": true});
            evidence.log.calls.push(sample::call("inventory", "ReceiveReturn", "first", first, None));
            receive(evidence);
            let second = evidence.log.calls.last_mut().unwrap();
            (second.begun_ms, second.ended_ms) = (second.begun_ms + 10, second.ended_ms + 10);
        };
        assert_eq!(sample::found(check, late), Vec::<String>::new());
    }

    #[test]
    fn an_end_that_the_warehouse_does_not_know_of() {
        let came = |evidence: &mut Evidence| {
            ended(evidence, NOTHING);
            receive(evidence);
        };
        assert_eq!(sample::found(check, came).len(), 1);
        assert_eq!(sample::found(check, |evidence| ended(evidence, NOT_ACCEPTED)).len(), 1);
        let other = |evidence: &mut Evidence| {
            ended(evidence, NOTHING);
            for event in evidence.timelines.get_mut(sample::CLAIM).unwrap() {
                if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                    planned.plan.as_mut().unwrap().lines[1].set_resolution(Resolution::RefundOnly);
                }
            }
        };
        assert_eq!(sample::found(check, other), ["it ended with NOTHING_RETURNED, and nothing was to come back"]);
        let paid = |evidence: &mut Evidence| {
            let paid = evidence.timelines[sample::CLAIM].clone();
            let paid = paid.into_iter().find(|event| matches!(event.kind, Some(claim_event::Kind::SettlementPaid(_))));
            ended(evidence, NOTHING);
            evidence.timelines.get_mut(sample::CLAIM).unwrap().insert(4, paid.unwrap());
        };
        assert_eq!(sample::found(check, paid), ["it ended with NOTHING_RETURNED, and was paid"]);
    }
}
