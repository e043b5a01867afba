//! The report: what is wrong, and for each claim with a violation its whole history in one order of time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proto::claim::{ClaimEvent, claim_event::Kind};
use serde::Serialize;

use crate::checks;
use crate::evidence::{Evidence, Violation, ms};

/// Claims whose history is told; the others have their violations only.
const CLAIMS_MAX: usize = 40;

/// What is printed and written to `report.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Claims that were looked at.
    pub claims: usize,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// From `done` to the verdict.
    pub seconds: f64,
    /// What is told without being judged.
    pub notes: Vec<String>,
}

/// What is told without being judged.
pub fn notes(evidence: &Evidence) -> Vec<String> {
    let (live, fresh) = (&evidence.live, &evidence.fresh);
    let events: usize = fresh.claims.values().map(Vec::len).sum();
    let mut notes = vec![format!(
        "the subscriber began {} times again and got {} repetitions; a new one gets {events} events and {} repetitions",
        live.restarts, live.repeats, fresh.repeats
    )];
    let bulk: usize = evidence.bulk.claims.values().map(Vec::len).sum();
    notes.push(format!("the feed has {bulk} events and {} repetitions", evidence.bulk.repeats));
    let canaries = evidence.claims.keys().filter(|claim| evidence.is_canary(claim)).count();
    notes.push(format!("{canaries} canaries were judged beside the claims"));
    if let Some((before, during)) = checks::latency(evidence) {
        notes.push(format!("from submission to the first plan: {before} ms without poison, {during} ms with poison"));
    }
    if !evidence.stock_is_still {
        notes.push("stock never stood still, so that its sums were not judged".to_owned());
    }
    notes
}

/// The readable report.
pub fn text(report: &Report, evidence: &Evidence) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        // A text takes everything.
        let _ = writeln!(text, "{line}");
    };
    say(format!("# {} violations in {} claims\n", report.violations.len(), report.claims));
    report.notes.iter().for_each(|note| say(format!("- {note}")));
    say("\n| check | promises | violations | says |\n| --- | --- | --- | --- |".to_owned());
    for check in &checks::CHECKS {
        let count = report.violations.iter().filter(|violation| violation.check == check.id).count();
        say(format!("| {} | {} | {count} | {} |", check.id, check.promises, check.says));
    }
    let general: Vec<&Violation> = report.violations.iter().filter(|violation| violation.claim.is_none()).collect();
    if !general.is_empty() {
        say("\n## Not about one claim\n".to_owned());
        general.iter().for_each(|violation| say(format!("- **{}** {}", violation.check, violation.what)));
    }
    let mut claims: BTreeMap<&str, Vec<&Violation>> = BTreeMap::new();
    for violation in &report.violations {
        if let Some(claim) = &violation.claim {
            claims.entry(claim).or_default().push(violation);
        }
    }
    for (at, (claim, violations)) in claims.into_iter().enumerate() {
        say(format!("\n## Claim {claim}\n"));
        violations.iter().for_each(|violation| say(format!("- **{}** {}", violation.check, violation.what)));
        if at < CLAIMS_MAX {
            say("\n```text".to_owned());
            history(evidence, claim).into_iter().for_each(&mut say);
            say("```".to_owned());
        }
    }
    text
}

/// Everything about a claim in one order of time.
fn history(evidence: &Evidence, claim: &str) -> Vec<String> {
    let mut rows: Vec<(u64, String)> = Vec::new();
    calls(evidence, claim, &mut rows);
    for event in evidence.timeline(claim) {
        rows.push((ms(event.occurred_at.as_ref()), format!("timeline  {}", event_text(event))));
    }
    for seen in evidence.live.claims.get(claim).into_iter().flatten() {
        rows.push((seen.at_ms, format!("received  {} as {}", seen.number, seen.event_id)));
    }
    let fresh = evidence.fresh.claims.get(claim).into_iter().flatten();
    let numbers: Vec<u32> = fresh.map(|seen| seen.number).collect();
    rows.push((evidence.now_ms, format!("a new subscriber gets {numbers:?}")));
    for (service, row) in evidence.parked.iter().filter(|(_, row)| row.aggregate_id == claim) {
        let text = format!("parked    {service} {} {} {} {}", row.subject, row.event_id, row.reason, row.detail);
        rows.push((ms(row.parked_at.as_ref()), text));
    }
    let (first, last) = (rows.iter().map(|row| row.0).min(), rows.iter().map(|row| row.0).max());
    let (first, last) = (first.unwrap_or(0).saturating_sub(5_000), last.unwrap_or(u64::MAX));
    let near = |at: u64| (first..=last).contains(&at);
    for fault in evidence.log.faults.iter().filter(|fault| near(fault.at_ms)) {
        rows.push((fault.at_ms, format!("FAULT     {} {}: {}", fault.id, fault.phase, fault.what)));
    }
    for line in evidence.log.processes.iter().filter(|line| near(line.at_ms)) {
        let code = line.code.map(|code| format!(" with code {code}")).unwrap_or_default();
        rows.push((line.at_ms, format!("process   {} {} {}{code}", line.service, line.replica, line.event)));
    }
    rows.sort_by_key(|row| row.0);
    let mut text: Vec<String> = rows.into_iter().map(|(at, what)| format!("{} {what}", clock(at))).collect();
    let now = clock(evidence.now_ms);
    if let Some(process) = evidence.processes.get(claim) {
        text.push(format!("{now} process is {process:?}"));
    }
    if let Some(known) = evidence.claims.get(claim) {
        text.push(format!(
            "{now} intake says {:?}, withdrawn {}, questions {:?}",
            known.state(),
            known.withdrawal_requested,
            known.questions
        ));
    }
    text.extend(effects(evidence, claim).into_iter().map(|effect| format!("{now} {effect}")));
    text
}

fn calls(evidence: &Evidence, claim: &str, rows: &mut Vec<(u64, String)>) {
    let settlements =
        evidence.settlements.iter().filter(|row| row.job.as_ref().is_some_and(|job| job.claim_id == claim));
    let judging = evidence.judging.iter().map(|item| (&item.claim_id, &item.work_item_id));
    let items = judging.chain(evidence.tasks.iter().map(|item| (&item.claim_id, &item.work_item_id)));
    let items = items.filter(|(about, _)| about.as_str() == claim).map(|(_, item)| item.as_str());
    let parcels = evidence.shipments.iter().filter(|row| row.job.as_ref().is_some_and(|job| job.claim_id == claim));
    let names: BTreeSet<&str> = items
        .chain(settlements.map(|row| row.settlement_id.as_str()))
        .chain(parcels.map(|row| row.tracking_no.as_str()))
        .filter(|name| !name.is_empty())
        .collect();
    for call in &evidence.log.calls {
        let fields = ["claimId", "workItemId", "settlementId", "trackingNo"].map(|field| call.request[field].as_str());
        let told = call.response.as_ref().and_then(|told| told["claim"]["claimId"].as_str());
        let about = fields.into_iter().chain([told, call.claim.as_deref(), call.request["job"]["claimId"].as_str()]);
        if !about.flatten().any(|name| name == claim || names.contains(name)) {
            continue;
        }
        let took = call.ended_ms.saturating_sub(call.begun_ms);
        let body = call.request.to_string().chars().take(300).collect::<String>();
        let text = format!(
            "call      {} by {} [{}] {:?} {} {} in {took} ms: {body}",
            call.method, call.actor, call.request_id, call.outcome, call.code, call.reason
        );
        rows.push((call.begun_ms, text));
    }
}

fn effects(evidence: &Evidence, claim: &str) -> Vec<String> {
    let is_ours = |job: &Option<proto::claim::Job>| job.as_ref().is_some_and(|job| job.claim_id == claim);
    let mut text = Vec::new();
    text.extend(evidence.reservations.iter().filter(|row| is_ours(&row.job)).map(|row| format!("{row:?}")));
    text.extend(evidence.shipments.iter().filter(|row| is_ours(&row.job)).map(|row| format!("{row:?}")));
    text.extend(evidence.returns.iter().filter(|row| is_ours(&row.job)).map(|row| format!("{row:?}")));
    text.extend(evidence.settlements.iter().filter(|row| is_ours(&row.job)).map(|row| format!("{row:?}")));
    text.extend(evidence.tasks.iter().filter(|row| row.claim_id == claim).map(|row| {
        format!("work item {} {:?} {} step {} open {}", row.work_item_id, row.kind(), row.reason, row.step, row.open)
    }));
    text.extend(
        evidence
            .judging
            .iter()
            .filter(|row| row.claim_id == claim)
            .map(|row| format!("work item {} of triage, {}, open {}", row.work_item_id, row.reason, row.open)),
    );
    text.extend(evidence.clocks.get(claim).into_iter().flatten().map(|row| format!("{row:?}")));
    text.extend(evidence.escalations.iter().filter(|row| row.claim_id == claim).map(|row| format!("{row:?}")));
    text
}

fn event_text(event: &ClaimEvent) -> String {
    let what = match &event.kind {
        // A plan is long, and its number says which one it is.
        Some(Kind::Planned(planned)) => format!("Planned {}", planned.plan.as_ref().map_or(0, |plan| plan.number)),
        Some(kind) => format!("{kind:?}"),
        None => "nothing".to_owned(),
    };
    format!("{} round {} {:?} waits for {:?}: {what}", event.number, event.round, event.state(), event.waiting_for())
}

fn clock(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "?".to_owned(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_violation_is_told_with_the_history_of_its_claim() {
        let evidence = sample::good();
        let violations = vec![Violation::of("C5", sample::CLAIM, "a gap"), Violation::general("C14", "not ready")];
        let report = Report { claims: 2, violations, seconds: 1.0, notes: notes(&evidence) };
        let text = text(&report, &evidence);
        for part in [
            "# 2 violations in 2 claims",
            "**C5** a gap",
            "**C14** not ready",
            "timeline  9",
            "SubmitClaim by anna",
            "DecideWorkItem by anna",
            "received  1 as",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("20")).collect();
        assert!(lines.is_sorted_by_key(|line| line.split(' ').next()));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["violations"][0], serde_json::json!({"check": "C5", "claim": sample::CLAIM, "what": "a gap"}));
    }
}
