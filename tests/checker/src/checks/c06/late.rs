//! Goods that came when they were expected no more: a person is asked about each receipt, and about nothing else.

use std::collections::BTreeMap;

use proto::claim::Job;
use proto::inventory::ReceiveReturnRequest;

use crate::evidence::{Evidence, Violation};
use crate::log::Outcome;

/// Receipts of a line, by what is certain about them.
#[derive(Default)]
struct Receipts {
    /// That were sent, and may have been counted.
    sent: usize,
    /// That were counted after the claim had ended.
    late: usize,
    /// When the last of those was answered.
    since_ms: u64,
}

/// Looks for violations.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut requests: BTreeMap<&str, (Job, bool, u64)> = BTreeMap::new();
    for call in evidence.log.calls.iter().filter(|call| call.method == "ReceiveReturn") {
        let Some(asked) = call.asked::<ReceiveReturnRequest>().filter(|_| call.outcome != Outcome::Refused) else {
            continue;
        };
        let units = asked.accepted + asked.damaged + asked.wrong_item + asked.unsalable + asked.not_as_claimed;
        let Some(job) = asked.job.filter(|_| units > 0) else { continue };
        let ended = evidence.ended_ms(&job.claim_id);
        // The first attempt may have been counted although its answer was lost.
        let (_, after, at) = requests.entry(&call.request_id).or_insert((job, true, 0));
        *after &= ended.is_some_and(|ended| call.begun_ms > ended);
        if call.outcome == Outcome::Ok {
            *at = call.ended_ms;
        }
    }
    let mut lines: BTreeMap<(String, u32), Receipts> = BTreeMap::new();
    for (job, after, at) in requests.into_values() {
        let line = lines.entry((job.claim_id, job.line)).or_default();
        line.sent += 1;
        if after && at > 0 {
            line.late += 1;
            line.since_ms = line.since_ms.max(at);
        }
    }
    let mut asked: BTreeMap<(String, u32), usize> = BTreeMap::new();
    for item in evidence.tasks.iter().filter(|item| item.reason == "LATE_RETURN") {
        *asked.entry((item.claim_id.clone(), item.line)).or_default() += 1;
    }
    let mut found = Vec::new();
    for ((claim, line), items) in &asked {
        let sent = lines.get(&(claim.clone(), *line)).map_or(0, |line| line.sent);
        if *items > sent {
            let what = format!("{items} work items about late goods of line {line}, {sent} receipts were sent");
            found.push(Violation::of("C6", claim, what));
        }
    }
    for ((claim, line), Receipts { late, since_ms, .. }) in &lines {
        let items = asked.get(&(claim.clone(), *line)).copied().unwrap_or(0);
        if items < *late && !evidence.is_blocked(claim) {
            let what = format!("{late} receipts of line {line} after its end, and {items} work items about them");
            found.push(Violation::of("C6", claim, what).unless_mended_by(evidence.soon(*since_ms)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proto::escalation::{WorkItem, WorkKind};
    use serde_json::json;

    use super::*;
    use crate::sample;

    /// A unit that came so long after the end of its claim.
    fn receive(evidence: &mut Evidence, after_ms: u64) {
        let job = json!({"claimId": sample::CLAIM, "round": 1, "line": 1, "attempt": 1});
        let request = json!({"requestId": "b", "job": job, "accepted": 1, "last": true});
        let mut call = sample::call("inventory", "ReceiveReturn", "b", request, None);
        call.begun_ms = evidence.ended_ms(sample::CLAIM).unwrap() - 1_000 + after_ms;
        call.ended_ms = call.begun_ms + 5;
        evidence.log.calls.push(call);
    }

    fn ask(evidence: &mut Evidence) {
        evidence.tasks.push(WorkItem {
            kind: WorkKind::ReturnMismatch as i32,
            claim_id: sample::CLAIM.into(),
            line: 1,
            reason: "LATE_RETURN".into(),
            open: true,
            ..WorkItem::default()
        });
    }

    #[test]
    fn each_late_receipt_is_asked_about_once() {
        let asked = |evidence: &mut Evidence| {
            receive(evidence, 2_000);
            ask(evidence);
        };
        assert_eq!(sample::found(check, asked), Vec::<String>::new());
        let twice = |evidence: &mut Evidence| {
            asked(evidence);
            ask(evidence);
        };
        assert_eq!(sample::found(check, twice), ["2 work items about late goods of line 1, 1 receipts were sent"]);
    }

    #[test]
    fn a_late_receipt_that_nobody_is_asked_about() {
        let mut evidence = sample::good();
        receive(&mut evidence, 2_000);
        let found = check(&evidence);
        assert!(found.len() == 1 && found[0].until_ms > 0, "{found:?}");
        // Before the end it was expected.
        assert_eq!(sample::found(check, |evidence| receive(evidence, 0)), Vec::<String>::new());
        // The first attempt came in time, and its answer was lost.
        let lost = |evidence: &mut Evidence| {
            receive(evidence, 0);
            evidence.log.calls.last_mut().unwrap().outcome = Outcome::Unknown;
            receive(evidence, 2_000);
        };
        assert_eq!(sample::found(check, lost), Vec::<String>::new());
    }
}
