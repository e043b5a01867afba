//! C6: each effect is there exactly once, whatever was redelivered, replayed or rebuilt (G6).

mod late;
mod notices;

use std::collections::BTreeMap;

use proto::claim::{ClaimEvent, Job, claim_event};
use proto::escalation::WorkKind;
use proto::orchestrator::SettlementState;

use crate::evidence::{Evidence, Violation, job_text};
use crate::log::Outcome;

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let job = |job: Option<&Job>| job.map(|job| (job.claim_id.clone(), job_text(job))).unwrap_or_default();
    let rows = evidence.shipments.iter().map(|row| {
        let (claim, text) = job(row.job.as_ref());
        (claim, format!("{:?} shipment for {text}", row.direction()))
    });
    found.extend(twice(rows));
    found.extend(twice(evidence.reservations.iter().map(|row| named(job(row.job.as_ref()), "reservation for"))));
    found.extend(twice(evidence.returns.iter().map(|row| named(job(row.job.as_ref()), "return for"))));
    found.extend(twice(evidence.settlements.iter().map(|row| named(job(row.job.as_ref()), "settlement for"))));
    let rows = evidence.escalations.iter().map(|row| {
        (row.claim_id.clone(), format!("escalation of {:?} {} to level {}", row.clock(), row.round, row.level))
    });
    found.extend(twice(rows));
    found.extend(payments(evidence));
    found.extend(tasks(evidence));
    found.extend(late::check(evidence));
    found.extend(notices::check(evidence));
    found
}

fn named((claim, text): (String, String), what: &str) -> (String, String) {
    (claim, format!("{what} {text}"))
}

/// The same thing, named by claim and text, more than once.
fn twice(rows: impl Iterator<Item = (String, String)>) -> Vec<Violation> {
    let mut count: BTreeMap<(String, String), u32> = BTreeMap::new();
    rows.for_each(|row| *count.entry(row).or_default() += 1);
    let many = count.into_iter().filter(|(_, count)| *count > 1);
    many.map(|((claim, what), count)| Violation::of("C6", &claim, format!("{count} times: {what}"))).collect()
}

/// A line is paid at most once in a round, each settlement is told once, and is paid by one confirmation.
fn payments(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let paid = evidence.settlements.iter().filter(|row| row.state() == SettlementState::Paid);
    let lines = paid.filter_map(|row| row.job.as_ref());
    found.extend(twice(
        lines.map(|job| (job.claim_id.clone(), format!("payment for round {} line {}", job.round, job.line))),
    ));

    let confirmed = evidence.log.calls.iter().filter(|call| call.is_ok("ConfirmSettlement"));
    let confirmed =
        confirmed.filter_map(|call| Some((call.request["settlementId"].as_str()?, call.request_id.as_str())));
    let confirmed: std::collections::BTreeSet<(&str, &str)> = confirmed.collect();
    found.extend(twice(confirmed.into_iter().map(|(id, _)| (String::new(), format!("settlement {id} was confirmed")))));

    for (claim, timeline) in &evidence.timelines {
        let told = |event: &ClaimEvent| match &event.kind {
            Some(claim_event::Kind::SettlementInstructed(told)) => {
                Some(format!("settlement {} was instructed", told.settlement_id))
            }
            Some(claim_event::Kind::SettlementPaid(told)) => {
                Some(format!("settlement {} was paid", told.settlement_id))
            }
            _ => None,
        };
        found.extend(twice(timeline.iter().filter_map(told).map(|what| (claim.clone(), what))));
    }
    found
}

/// One open question is one work item.
fn tasks(evidence: &Evidence) -> Vec<Violation> {
    let judging = evidence.judging.iter().filter_map(|item| {
        let number = item.assessment.as_ref()?.number;
        Some((item.claim_id.clone(), format!("work item for assessment {number}")))
    });
    let mut found = twice(judging);
    let approvals = evidence.tasks.iter().filter(|item| item.kind() == WorkKind::Approval);
    let approvals = approvals.filter_map(|item| {
        let plan = item.plan.as_ref()?.number;
        Some((item.claim_id.clone(), format!("work item for step {} of the approval of plan {plan}", item.step)))
    });
    found.extend(twice(approvals));

    let mut about: BTreeMap<(&str, u32, &str), usize> = BTreeMap::new();
    let mut escalated: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &evidence.tasks {
        match item.kind() {
            // What came late may be asked about after the end of its claim, and then the timeline does not tell of it.
            WorkKind::ReturnMismatch if item.reason == "LATE_RETURN" => {}
            WorkKind::LegFailed | WorkKind::CompensationFailed | WorkKind::ReturnMismatch => {
                *about.entry((&item.claim_id, item.line, &item.reason)).or_default() += 1;
            }
            WorkKind::Escalation => *escalated.entry(&item.claim_id).or_default() += 1,
            WorkKind::Approval | WorkKind::Support | WorkKind::Unspecified => {}
        }
    }
    for ((claim, line, reason), items) in about {
        let asked = |event: &&ClaimEvent| matches!(&event.kind, Some(claim_event::Kind::PersonAsked(asked)) if asked.line == line && asked.reason == reason);
        let asked = evidence.timeline(claim).iter().filter(asked).count();
        if items > asked {
            let what =
                format!("{items} work items about {reason} of line {line}, and a person was asked {asked} times");
            found.push(Violation::of("C6", claim, what));
        }
    }
    for (claim, items) in escalated {
        let raised = evidence.escalations.iter().filter(|row| row.claim_id == claim).count();
        if items > raised {
            found.push(Violation::of("C6", claim, format!("{items} work items to answer {raised} escalations")));
        }
    }
    found.extend(decided_twice(evidence));
    found
}

/// A work item takes one decision, whoever sends it.
fn decided_twice(evidence: &Evidence) -> Vec<Violation> {
    let calls = evidence.log.calls.iter().filter(|call| call.method == "DecideWorkItem" && call.outcome == Outcome::Ok);
    let decided = calls.filter_map(|call| Some((call.request["workItemId"].as_str()?, call.request_id.as_str())));
    let decided: std::collections::BTreeSet<(&str, &str)> = decided.collect();
    twice(decided.into_iter().map(|(id, _)| (String::new(), format!("work item {id} was decided"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn effects_that_are_there_twice() {
        let shipment = sample::found(check, |evidence| evidence.shipments.push(evidence.shipments[0].clone()));
        assert_eq!(shipment.len(), 1, "{shipment:?}");
        let reservation = sample::found(check, |evidence| evidence.reservations.push(evidence.reservations[0].clone()));
        assert_eq!(reservation.len(), 1, "{reservation:?}");
        let settlement = sample::found(check, |evidence| {
            let mut again = evidence.settlements[0].clone();
            again.job.as_mut().unwrap().attempt = 2;
            evidence.settlements.push(again);
        });
        assert_eq!(settlement, ["2 times: payment for round 1 line 2"]);
        let approval = sample::found(check, |evidence| evidence.tasks.push(evidence.tasks[0].clone()));
        assert_eq!(approval[0], "2 times: work item for step 1 of the approval of plan 1");
        let escalation = sample::found(check, |evidence| evidence.escalations.push(evidence.escalations[0].clone()));
        assert_eq!(escalation[0], "2 times: escalation of FirstFeedback 1 to level 1");
    }

    #[test]
    fn two_confirmations_of_one_settlement() {
        let found = sample::found(check, |evidence| {
            let mut again = evidence.log.calls.iter().find(|call| call.method == "ConfirmSettlement").unwrap().clone();
            again.request_id = "another".into();
            evidence.log.calls.push(again);
        });
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_work_item_that_nobody_asked_for() {
        let found = sample::found(check, |evidence| {
            let item = proto::escalation::WorkItem {
                kind: WorkKind::LegFailed as i32,
                claim_id: sample::CLAIM.into(),
                line: 1,
                reason: "LOST".into(),
                ..Default::default()
            };
            evidence.tasks.push(item);
        });
        assert_eq!(found[0], "1 work items about LOST of line 1, and a person was asked 0 times");
    }
}
