//! C10: a deadline that passes is escalated exactly once, not early, and at most 10 s late, or 15 s after the service
//! was back (G13); a clock that runs has the target of the newest judgement; and what a customer does not answer lapses.

mod silence;

use proto::claim::{ClaimEvent, ClockMoved, Severity, claim_event};
use proto::escalation::{ClockKind, ClockState, Escalation, RunningClock};

use crate::evidence::{Evidence, Violation, ms};

const LATE_MS: u64 = 10_000;
const BACK_MS: u64 = 15_000;

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let outages = outages(evidence);
    let mut found = Vec::new();
    for (claim, clocks) in &evidence.clocks {
        if evidence.is_blocked(claim) {
            continue;
        }
        for clock in clocks {
            found.extend(one(evidence, claim, clock, &outages));
        }
        found.extend(warnings(claim, evidence.timeline(claim)));
    }
    for raised in evidence.escalations.iter().filter(|raised| raised.level == 1) {
        let clocks = evidence.clocks.get(&raised.claim_id).into_iter().flatten();
        let mut breached = clocks.filter(|clock| is_about(raised, clock));
        if !breached.any(|clock| clock.state() == ClockState::Breached && clock.deadline == raised.deadline) {
            let what = format!("{:?} {} was escalated, and its clock was never breached", raised.clock(), raised.round);
            found.push(Violation::of("C10", &raised.claim_id, what));
        }
    }
    found.extend(silence::check(evidence));
    found
}

fn one(evidence: &Evidence, claim: &str, clock: &RunningClock, outages: &[(u64, u64)]) -> Vec<Violation> {
    let mut found = Vec::new();
    let name = format!("{:?} {}", clock.kind(), clock.round);
    let deadline = ms(clock.deadline.as_ref());
    let due = latest(deadline, outages);
    let raised = evidence.escalations.iter().filter(|raised| raised.level == 1 && is_about(raised, clock));
    let raised: Vec<&Escalation> = raised.filter(|raised| raised.claim_id == claim).collect();
    let mut bad = |what: String| found.push(Violation::of("C10", claim, format!("{name}: {what}")));
    match clock.state() {
        // Whatever time is written beside it: that time has not come.
        ClockState::Breached if deadline > evidence.now_ms => {
            bad(format!("breached, and its deadline comes in {} ms", deadline - evidence.now_ms));
        }
        ClockState::Breached if raised.len() != 1 => bad(format!("breached, and escalated {} times", raised.len())),
        ClockState::Breached => {
            let at = ms(raised[0].raised_at.as_ref());
            if at < deadline {
                bad(format!("escalated {} ms before its deadline", deadline - at));
            } else if at > due {
                bad(format!("escalated {} ms after its deadline, {} ms later than allowed", at - deadline, at - due));
            }
            let told = breaches(evidence.timeline(claim), clock).count();
            let ended = evidence.ended_ms(claim);
            // What comes after the end of a claim is not told any more.
            if told > 1 || (told == 0 && ended.is_none_or(|ended| ended > evidence.soon(at))) {
                let what = format!("{name}: breached, and told {told} times");
                found.push(Violation::of("C10", claim, what).unless_mended_by(evidence.soon(at)));
            }
        }
        ClockState::Running => {
            if evidence.now_ms > due {
                bad(format!("its deadline has passed {} ms ago, and nobody was told", evidence.now_ms - deadline));
            }
            if let Some((severity, at)) =
                judged(evidence.timeline(claim), clock).filter(|(known, _)| *known != clock.severity())
            {
                let what = format!("{name}: it has the target of {:?}, and {severity:?} was judged", clock.severity());
                found.push(Violation::of("C10", claim, what).unless_mended_by(evidence.soon(at)));
            }
            if let Some(ended) = evidence.ended_ms(claim) {
                let what = format!("{name}: it runs, and the claim has ended");
                found.push(Violation::of("C10", claim, what).unless_mended_by(evidence.soon(ended)));
            }
        }
        ClockState::Stopped | ClockState::Paused | ClockState::Unspecified if !raised.is_empty() => {
            bad(format!("{:?}, and escalated {} times", clock.state(), raised.len()));
        }
        ClockState::Stopped | ClockState::Paused | ClockState::Unspecified => {}
    }
    found
}

/// The newest judgement of the clock's round, and when it was. The clock of an approval has that of its plan.
fn judged(timeline: &[ClaimEvent], clock: &RunningClock) -> Option<(Severity, u64)> {
    let of_round = timeline.iter().rev().filter(|event| event.round == clock.round);
    let mut judgements = of_round.filter_map(|event| match &event.kind {
        Some(claim_event::Kind::Assessed(assessed)) => {
            Some((assessed.assessment.as_ref()?.severity(), ms(event.occurred_at.as_ref())))
        }
        _ => None,
    });
    judgements.next().filter(|(severity, _)| clock.kind() != ClockKind::Approval && *severity != Severity::Unspecified)
}

/// A share of a clock is warned of once.
fn warnings(claim: &str, timeline: &[ClaimEvent]) -> Vec<Violation> {
    let mut known = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for event in timeline {
        let Some(claim_event::Kind::ClockMoved(moved)) = &event.kind else { continue };
        if !known.insert((event.round, moved.clock.clone(), moved.percent, ms(moved.deadline.as_ref()))) {
            found.push(Violation::of("C10", claim, format!("{} at {} % was told twice", moved.clock, moved.percent)));
        }
    }
    found
}

fn breaches<'a>(timeline: &'a [ClaimEvent], clock: &'a RunningClock) -> impl Iterator<Item = &'a ClockMoved> {
    let name = clock.kind().word();
    timeline.iter().filter_map(move |event| match &event.kind {
        Some(claim_event::Kind::ClockMoved(moved)) => {
            (moved.percent == 100 && moved.clock == name && moved.deadline == clock.deadline).then_some(moved)
        }
        _ => None,
    })
}

fn is_about(raised: &Escalation, clock: &RunningClock) -> bool {
    raised.clock == clock.kind && raised.round == clock.round && raised.claim_id == clock.claim_id
}

/// Until when a deadline may be escalated.
fn latest(deadline: u64, outages: &[(u64, u64)]) -> u64 {
    let mut due = deadline + LATE_MS;
    for (begin, end) in outages {
        if *begin <= due && *end + BACK_MS >= deadline {
            due = due.max(end + BACK_MS);
        }
    }
    due
}

/// When a fault acted, or a replica of the escalation service was not ready.
fn outages(evidence: &Evidence) -> Vec<(u64, u64)> {
    let mut outages = evidence.log.windows();
    let mut since: std::collections::BTreeMap<usize, u64> = std::collections::BTreeMap::new();
    for line in evidence.log.processes.iter().filter(|line| line.service == "escalation") {
        if line.event == "ready" {
            outages.extend(since.remove(&line.replica).map(|begin| (begin, line.at_ms)));
        } else {
            since.entry(line.replica).or_insert(line.at_ms);
        }
    }
    outages.sort_unstable();
    outages
}

#[cfg(test)]
mod tests {
    use proto::claim::{Assessed, Assessment};

    use super::*;
    use crate::{log, sample};

    #[test]
    fn an_escalation_that_is_missing_early_late_or_twice() {
        let missing = sample::found(check, |evidence| evidence.escalations.clear());
        assert_eq!(missing, ["FirstFeedback 1: breached, and escalated 0 times"]);
        let twice = sample::found(check, |evidence| evidence.escalations.push(evidence.escalations[0].clone()));
        assert_eq!(twice, ["FirstFeedback 1: breached, and escalated 2 times"]);
        let early =
            sample::found(check, |evidence| evidence.escalations[0].raised_at = Some(sample::at(sample::DEADLINE - 1)));
        assert!(early[0].contains("before its deadline"), "{early:?}");
        let late =
            |evidence: &mut Evidence| evidence.escalations[0].raised_at = Some(sample::at(sample::DEADLINE + 12_000));
        assert!(sample::found(check, late)[0].contains("2000 ms later than allowed"));
        let excused = sample::found(check, |evidence| {
            late(evidence);
            let at = |at_ms, phase: &str| log::Fault { at_ms, phase: phase.into(), ..log::Fault::default() };
            evidence.log.faults = vec![at(sample::DEADLINE - 5, "begin"), at(sample::DEADLINE + 1_000, "end")];
        });
        assert_eq!(excused, Vec::<String>::new());
    }

    #[test]
    fn a_deadline_that_nobody_noticed() {
        let found = sample::found(check, |evidence| {
            let clock = &mut evidence.clocks.get_mut(sample::WAITING).unwrap()[0];
            clock.set_state(ClockState::Running);
            evidence.escalations.clear();
        });
        assert!(found.len() == 1 && found[0].contains("nobody was told"), "{found:?}");
    }

    #[test]
    fn a_clock_that_does_not_know_the_judgement() {
        let with = |severity: Severity| {
            sample::found(check, |evidence| {
                let clock = &mut evidence.clocks.get_mut(sample::WAITING).unwrap()[0];
                clock.set_state(ClockState::Running);
                clock.set_severity(Severity::General);
                clock.deadline = Some(sample::at(evidence.now_ms + 60_000));
                evidence.escalations.clear();
                let assessment = Some(Assessment { severity: severity.into(), ..Assessment::default() });
                let event = &mut evidence.timelines.get_mut(sample::WAITING).unwrap()[1];
                event.kind = Some(claim_event::Kind::Assessed(Assessed { assessment }));
            })
        };
        assert_eq!(with(Severity::Urgent), ["FirstFeedback 1: it has the target of General, and Urgent was judged"]);
        assert_eq!(with(Severity::General), Vec::<String>::new());
    }

    #[test]
    fn a_breach_that_was_not_told_and_one_that_never_was() {
        let untold = sample::found(check, |evidence| {
            evidence
                .timelines
                .get_mut(sample::WAITING)
                .unwrap()
                .retain(|event| !matches!(event.kind, Some(claim_event::Kind::ClockMoved(_))));
        });
        assert_eq!(untold, ["FirstFeedback 1: breached, and told 0 times"]);
        let never = sample::found(check, |evidence| {
            evidence.clocks.get_mut(sample::WAITING).unwrap()[0].set_state(ClockState::Stopped)
        });
        assert_eq!(never.len(), 2, "{never:?}");
    }
}
