//! Notices: each thing that somebody must be told is told once.

use std::collections::{BTreeMap, BTreeSet};

use proto::claim::{Notice, claim_event};

use crate::evidence::{Evidence, Violation, ms};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let poison = evidence.log.poisonous();
    let ours = evidence.notices.odd.iter().filter(|odd| !poison.contains(odd.event_id.as_str()));
    let mut found: Vec<Violation> = ours.map(|odd| Violation::of("C6", &odd.claim, odd.what.clone())).collect();

    let mut events: BTreeMap<&str, u32> = BTreeMap::new();
    let mut told: BTreeMap<(&str, String), BTreeSet<&str>> = BTreeMap::new();
    for notice in evidence.notices.by_event.values() {
        *events.entry(&notice.notice_id).or_default() += 1;
        if let Some(about) = about(notice) {
            told.entry((&notice.claim_id, about)).or_default().insert(&notice.notice_id);
        }
    }
    for (notice, count) in events.into_iter().filter(|(_, count)| *count > 1) {
        found.push(Violation::general("C6", format!("notice {notice} has {count} event ids")));
    }
    let wanted = wanted(evidence);
    for ((claim, about), notices) in &told {
        let allowed = wanted.get(&(*claim, about.clone())).map_or(1, |(count, _)| *count);
        if notices.len() > allowed {
            let what = format!("{} notices of {about}, {allowed} are due", notices.len());
            found.push(Violation::of("C6", claim, what));
        }
    }
    for ((claim, about), (count, since)) in &wanted {
        let sent = told.get(&(*claim, about.clone())).map_or(0, BTreeSet::len);
        if sent < *count {
            let what = format!("{sent} notices of {about}, {count} are due");
            found.push(Violation::of("C6", claim, what).unless_mended_by(evidence.soon(*since)));
        }
    }
    found
}

/// What a notice is about, where that is told exactly once. An instruction to finance may be repeated.
fn about(notice: &Notice) -> Option<String> {
    let parameter = |name: &str| notice.parameters.get(name).cloned().unwrap_or_default();
    let template = notice.template.as_str();
    match template {
        "claim_received" => Some(template.to_owned()),
        "plan_agreed" => Some(format!("{template} {}", parameter("plan_number"))),
        "refund_paid" | "refund_instructed" => Some(format!("{template} line {}", parameter("line"))),
        "clock_breached" => Some(format!("{template} {}", parameter("escalation_id"))),
        "work_waiting" | "work_overdue" => {
            Some(format!("{template} {} for {}", parameter("work_item_id"), notice.audience))
                .filter(|_| !parameter("work_item_id").is_empty())
        }
        _ => None,
    }
}

/// How often each thing must have been told, by the events and lists, and since when.
fn wanted(evidence: &Evidence) -> BTreeMap<(&str, String), (usize, u64)> {
    let mut wanted: BTreeMap<(&str, String), (usize, u64)> = BTreeMap::new();
    let mut add = |claim, about: String, due: usize, since: u64| {
        let entry = wanted.entry((claim, about)).or_default();
        entry.0 += due;
        entry.1 = entry.1.max(since);
    };
    for claim in evidence.claims.values() {
        // Behind a canary is no customer.
        let due = usize::from(!proto::canary::is_marked(&claim.customer_ref));
        add(&claim.claim_id, "claim_received".to_owned(), due, ms(claim.received_at.as_ref()));
    }
    for (claim, timeline) in &evidence.timelines {
        let mut wished = None;
        for event in timeline {
            let at = ms(event.occurred_at.as_ref());
            match &event.kind {
                // What the customer wished for is agreed to as soon as it is planned, or approved.
                Some(claim_event::Kind::Planned(planned)) => {
                    let plan = planned.plan.as_ref().filter(|plan| plan.consented);
                    wished = plan.map(|plan| plan.number);
                    if let Some(plan) = plan.filter(|plan| plan.automatic) {
                        add(claim, format!("plan_agreed {}", plan.number), 1, at);
                    }
                }
                Some(claim_event::Kind::Approved(approved)) if wished == Some(approved.plan_number) => {
                    add(claim, format!("plan_agreed {}", approved.plan_number), 1, at);
                }
                Some(claim_event::Kind::Consented(consented)) => {
                    add(claim, format!("plan_agreed {}", consented.plan_number), 1, at);
                }
                Some(claim_event::Kind::SettlementPaid(paid)) => {
                    add(claim, format!("refund_paid line {}", paid.line), 1, at)
                }
                Some(claim_event::Kind::SettlementInstructed(told)) => {
                    add(claim, format!("refund_instructed line {}", told.line), 1, at);
                }
                _ => {}
            }
        }
    }
    for row in &evidence.escalations {
        add(&row.claim_id, format!("clock_breached {}", row.escalation_id), 1, ms(row.raised_at.as_ref()));
    }
    // Whoever judges is told that a claim waits for it.
    for item in evidence.judging.iter().filter(|item| item.opened_at.is_some()) {
        let role = item.role().word();
        let about = format!("work_waiting {} for {role}", item.work_item_id);
        add(&item.claim_id, about, 1, ms(item.opened_at.as_ref()));
    }
    // So is whoever approves, advises, or decides about what went wrong; nothing is opened after the workload but by clocks.
    let settled = evidence.log.done_ms.unwrap_or(evidence.now_ms);
    let raised = |claim: &str| {
        let raised = evidence.escalations.iter().filter(|row| row.claim_id == claim);
        raised.map(|row| ms(row.raised_at.as_ref())).max().unwrap_or(0)
    };
    for item in &evidence.tasks {
        let role = item.role().word();
        let about = format!("work_waiting {} for {role}", item.work_item_id);
        add(&item.claim_id, about, 1, settled.max(raised(&item.claim_id)));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_notice_too_many_or_too_few_is_found() {
        let mut evidence = sample::good();
        assert_eq!(check(&evidence), Vec::new());
        let (event, notice) = evidence.notices.by_event.iter().find(|(_, row)| row.template == "refund_paid").unwrap();
        let (event, mut again) = (event.clone(), notice.clone());
        again.notice_id = "again".into();
        evidence.notices.by_event.insert("again".into(), again.clone());
        assert_eq!(check(&evidence)[0].what, "2 notices of refund_paid line 2, 1 are due");
        evidence.notices.by_event.remove("again");
        evidence.notices.by_event.remove(&event);
        let found = check(&evidence);
        assert!(found.len() == 1 && found[0].until_ms > 0, "{found:?}");
        let mut evidence = sample::good();
        evidence.notices.by_event.retain(|_, row| row.template != "work_waiting");
        let found: Vec<String> = check(&evidence).into_iter().map(|violation| violation.what).collect();
        let due = |item: &str| format!("0 notices of work_waiting {item} for specialist, 1 are due");
        assert_eq!(found, [due("w1"), due("w2")]);
    }

    #[test]
    fn a_canary_has_no_customer_who_is_told() {
        let mut evidence = sample::good();
        evidence.claims.get_mut(sample::CLAIM).unwrap().customer_ref = proto::canary::CUSTOMER_REF.into();
        assert_eq!(check(&evidence)[0].what, "1 notices of claim_received, 0 are due");
        evidence.notices.by_event.retain(|_, row| row.claim_id != sample::CLAIM || row.template != "claim_received");
        assert_eq!(check(&evidence), Vec::new());
    }

    #[test]
    fn one_notice_under_two_event_ids_is_found() {
        let mut evidence = sample::good();
        let again = evidence.notices.by_event.values().next().unwrap().clone();
        evidence.notices.by_event.insert("another".into(), again);
        assert_eq!(check(&evidence).len(), 1);
    }
}
