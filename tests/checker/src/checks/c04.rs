//! C4: a claim ends at most once, nothing follows its end, and everybody names the same outcome (G3).

use proto::claim::{ClaimEvent, claim_event};

use crate::evidence::{Evidence, Violation, is_terminal};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for (claim, timeline) in &evidence.timelines {
        found.extend(ends(evidence, claim, "the timeline", timeline.iter()));
    }
    for (claim, seen) in &evidence.fresh.claims {
        found.extend(ends(evidence, claim, "the stream", seen.iter().filter_map(|seen| seen.event.as_ref())));
    }
    for (claim, process) in &evidence.processes {
        found.extend(left_open(evidence, claim));
        let mut bad = |what: String| found.push(Violation::of("C4", claim, what));
        let ended = evidence.timeline(claim).iter().any(is_end);
        if is_terminal(process.state()) != ended {
            bad(format!(
                "the process is {:?}, and the timeline has {} end",
                process.state(),
                if ended { "an" } else { "no" }
            ));
        }
        let since = evidence.ended_ms(claim).unwrap_or(0);
        let Some(intake) = evidence.claims.get(claim) else { continue };
        if is_terminal(intake.state()) && is_terminal(process.state()) && intake.state() != process.state() {
            bad(format!("intake says {:?}, the process {:?}", intake.state(), process.state()));
        } else if is_terminal(intake.state()) != is_terminal(process.state()) {
            let what = format!("intake says {:?}, the process {:?}", intake.state(), process.state());
            found.push(Violation::of("C4", claim, what).unless_mended_by(evidence.soon(since)));
        }
    }
    found
}

/// Nobody decides about an ended claim any more, but about goods that came for it afterwards.
fn left_open(evidence: &Evidence, claim: &str) -> Vec<Violation> {
    let Some(ended) = evidence.ended_ms(claim) else { return Vec::new() };
    let judging = evidence.judging.iter().map(|item| (&item.claim_id, item.open, "JUDGEMENT", &item.reason));
    let tasks = evidence.tasks.iter().map(|item| (&item.claim_id, item.open, item.kind().as_str_name(), &item.reason));
    let open = judging.chain(tasks).filter(|(of, open, ..)| *of == claim && *open);
    let open = open.filter(|(.., reason)| *reason != "LATE_RETURN");
    let what = open.map(|(.., kind, reason)| format!("it has ended, and a work item is open: {kind} {reason}"));
    what.map(|what| Violation::of("C4", claim, what).unless_mended_by(evidence.soon(ended))).collect()
}

fn ends<'a>(
    evidence: &Evidence,
    claim: &str,
    who: &str,
    events: impl Iterator<Item = &'a ClaimEvent>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut bad = |what: String| found.push(Violation::of("C4", claim, format!("{who}: {what}")));
    let mut events: Vec<&ClaimEvent> = events.collect();
    events.sort_by_key(|event| event.number);
    let ends: Vec<&&ClaimEvent> = events.iter().filter(|event| is_end(event)).collect();
    if ends.len() > 1 {
        bad(format!(
            "it ends {} times, at {:?}",
            ends.len(),
            ends.iter().map(|event| event.number).collect::<Vec<_>>()
        ));
    }
    if let (Some(end), Some(last)) = (ends.first(), events.last())
        && last.number > end.number
    {
        bad(format!("it ends at {}, and goes on to {}", end.number, last.number));
    }
    for event in events {
        if is_terminal(event.state()) != is_end(event) {
            bad(format!("event {} has the state {:?}", event.number, event.state()));
        }
        let Some(claim_event::Kind::Ended(ended)) = &event.kind else { continue };
        let process = evidence.processes.get(claim).map(proto::orchestrator::Process::state);
        if ended.outcome() != event.state() || process.is_some_and(|process| process != ended.outcome()) {
            bad(format!("outcome {:?}, event {:?}, process {process:?}", ended.outcome(), event.state()));
        }
    }
    found
}

fn is_end(event: &ClaimEvent) -> bool {
    matches!(event.kind, Some(claim_event::Kind::Ended(_)))
}

#[cfg(test)]
mod tests {
    use proto::claim::ClaimState;

    use super::*;
    use crate::sample;

    #[test]
    fn a_second_end_and_an_event_after_the_end_are_found() {
        let mut evidence = sample::good();
        assert_eq!(check(&evidence), Vec::new());
        let timeline = evidence.timelines.get_mut(sample::CLAIM).unwrap();
        let mut again = timeline.last().unwrap().clone();
        again.number += 1;
        timeline.push(again);
        assert_eq!(check(&evidence).len(), 2);
    }

    #[test]
    fn after_the_end_only_late_goods_are_decided_about() {
        let mut evidence = sample::good();
        evidence.tasks[0].open = true;
        let found = check(&evidence);
        assert!(found.len() == 1 && found[0].until_ms > 0, "{found:?}");
        evidence.tasks[0].set_kind(proto::escalation::WorkKind::ReturnMismatch);
        evidence.tasks[0].reason = "LATE_RETURN".into();
        assert_eq!(check(&evidence), Vec::new());
        evidence.judging[0].open = true;
        assert_eq!(check(&evidence).len(), 1);
    }

    #[test]
    fn another_outcome_is_found() {
        let mut evidence = sample::good();
        evidence.processes.get_mut(sample::CLAIM).unwrap().set_state(ClaimState::Rejected);
        assert!(check(&evidence).iter().any(|violation| violation.what.contains("intake says")));
        let mut evidence = sample::good();
        evidence.claims.get_mut(sample::CLAIM).unwrap().set_state(ClaimState::Submitted);
        let found = check(&evidence);
        assert!(found.len() == 1 && found[0].until_ms > 0);
    }

    #[test]
    fn a_process_that_ended_in_silence_is_found() {
        let mut evidence = sample::good();
        evidence.timelines.get_mut(sample::CLAIM).unwrap().pop();
        assert_eq!(check(&evidence).len(), 1);
    }
}
