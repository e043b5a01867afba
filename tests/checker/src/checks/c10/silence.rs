//! What a customer was asked and does not answer is reminded as often as the policy says and lapses then: not early, not
//! never, and with the end that the policy says.

use std::collections::{BTreeMap, BTreeSet};

use proto::claim::{ClaimEvent, ClaimState, Ended, claim_event};
use proto::policy::orchestrator::{Days, Lapse, NoAnswer, Silence};

use crate::evidence::{Evidence, Violation, ms};

/// Reason of an end, and of a judgement, because there was no answer.
const NO_ANSWER: &str = "NO_ANSWER";
/// A sweep finds what is due, and one after the other.
const LATE_MS: u64 = 30_000;

/// What is open with a customer: the parameter of a notice that names it, its value, and since when.
type Asked = (&'static str, String, u64);

/// How often what was asked was reminded, by claim, parameter and value.
type Reminders<'e> = BTreeMap<(&'e str, (&'static str, &'e str)), usize>;

/// Looks for violations.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let Some(policy) = evidence.policy.as_ref().map(|pack| &pack.orchestrator.silence) else { return Vec::new() };
    let reminders = reminders(evidence);
    let mut found = Vec::new();
    for ((claim, (name, value)), count) in &reminders {
        let most = rule(policy, name).remind_days.len();
        if *count > most {
            found.push(Violation::of("C10", claim, format!("{count} reminders of {name} {value}, {most} at most")));
        }
    }
    for (claim, timeline) in &evidence.timelines {
        let Some((last, before)) = timeline.split_last() else { continue };
        match &last.kind {
            Some(claim_event::Kind::Ended(ended)) if ended.reason == NO_ANSWER => {
                found.extend(lapsed(evidence, policy, &reminders, last, ended, asked(before)));
            }
            _ => found.extend(forgotten(evidence, policy, claim, timeline)),
        }
    }
    found.extend(judged(evidence, policy, &reminders));
    found
}

fn reminders(evidence: &Evidence) -> Reminders<'_> {
    let mut count = Reminders::new();
    let mut known = BTreeSet::new();
    for notice in evidence.notices.by_event.values().filter(|notice| notice.template == "answer_reminder") {
        let about = |name: &'static str| Some((name, notice.parameters.get(name)?.as_str()));
        let Some(about) = about("question_id").or_else(|| about("plan_number")) else { continue };
        if known.insert(&notice.notice_id) {
            *count.entry((&notice.claim_id, about)).or_default() += 1;
        }
    }
    count
}

fn rule<'p>(policy: &'p Silence, name: &str) -> &'p NoAnswer {
    if name == "question_id" { &policy.question } else { &policy.plan }
}

/// What is open with the customer after these events.
fn asked(timeline: &[ClaimEvent]) -> Option<Asked> {
    let state = timeline.last()?.state();
    let since = timeline.iter().rev().take_while(|event| event.state() == state).last()?;
    let since = ms(since.occurred_at.as_ref());
    let newest = timeline.iter().rev().find_map(|event| match (&event.kind, state) {
        (Some(claim_event::Kind::QuestionAsked(asked)), ClaimState::AwaitingCustomer) => {
            Some(("question_id", asked.question_id.clone()))
        }
        (Some(claim_event::Kind::Planned(planned)), ClaimState::AwaitingConsent) => {
            Some(("plan_number", planned.plan.as_ref()?.number.to_string()))
        }
        _ => None,
    });
    newest.map(|(name, value)| (name, value, since))
}

/// A claim that ended because there was no answer.
fn lapsed(
    evidence: &Evidence,
    policy: &Silence,
    reminders: &Reminders<'_>,
    end: &ClaimEvent,
    ended: &Ended,
    asked: Option<Asked>,
) -> Vec<Violation> {
    let bad = |what: String| Violation::of("C10", &end.claim_id, what);
    let Some((name, value, since)) = asked else {
        return vec![bad("it ended without an answer, and nobody was asked".to_owned())];
    };
    let (rule, at) = (rule(policy, name), ms(end.occurred_at.as_ref()));
    let mut found = Vec::new();
    let due = since + u64::from(rule.lapse_days) * evidence.day_ms;
    if policy.days == Days::Plain && at < due {
        found.push(bad(format!("{name} {value} lapsed {} ms early", due - at)));
    }
    let outcome = match rule.then {
        Lapse::Withdrawn => Some(ClaimState::Withdrawn),
        Lapse::Closed => Some(ClaimState::Closed),
        Lapse::Person => None,
    };
    if outcome != Some(ended.outcome()) {
        found.push(bad(format!("{name} {value} lapsed to {:?}, the policy says {:?}", ended.outcome(), rule.then)));
    }
    let about = (end.claim_id.as_str(), (name, value.as_str()));
    let (due, sent) = (rule.remind_days.len(), reminders.get(&about).copied().unwrap_or(0));
    if sent < due {
        let what = format!("{name} {value} lapsed after {sent} reminders, {due} are due");
        found.push(bad(what).unless_mended_by(evidence.soon(at)));
    }
    found
}

/// What nobody answered, and has not lapsed. After an outage the customer still has the days after a reminder.
fn forgotten(evidence: &Evidence, policy: &Silence, claim: &str, timeline: &[ClaimEvent]) -> Option<Violation> {
    let (name, value, since) = asked(timeline).filter(|_| policy.days == Days::Plain && !evidence.is_blocked(claim))?;
    let days = u64::from(rule(policy, name).lapse_days) * evidence.day_ms;
    let latest = since.max(evidence.log.calm_since()) + days + LATE_MS;
    let what = format!("{name} {value} is open for {} ms, and did not lapse", evidence.now_ms.saturating_sub(since));
    (evidence.now_ms > latest).then(|| Violation::of("C10", claim, what))
}

/// A person judges because there was no answer: once for each thing that was reminded in full.
fn judged(evidence: &Evidence, policy: &Silence, reminders: &Reminders<'_>) -> Vec<Violation> {
    let mut items: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for item in evidence.judging.iter().filter(|item| item.reason == NO_ANSWER) {
        let (count, since) = items.entry(&item.claim_id).or_default();
        (*count, *since) = (*count + 1, (*since).max(ms(item.opened_at.as_ref())));
    }
    let mut found = Vec::new();
    for (claim, (count, since)) in items {
        let lapse = |name: &str| {
            let rule = rule(policy, name);
            let of_claim = reminders.iter().filter(|((of, what), _)| *of == claim && what.0 == name);
            match rule.then {
                // What is not reminded lapses without a trace.
                Lapse::Person if rule.remind_days.is_empty() => usize::MAX,
                Lapse::Person => of_claim.filter(|(_, sent)| **sent == rule.remind_days.len()).count(),
                Lapse::Withdrawn | Lapse::Closed => 0,
            }
        };
        let lapsed = lapse("question_id").saturating_add(lapse("plan_number"));
        if count > lapsed {
            let what = format!("{count} work items because there was no answer, {lapsed} questions and plans lapsed");
            found.push(Violation::of("C10", claim, what).unless_mended_by(evidence.soon(since)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proto::claim::{Notice, QuestionAsked};
    use proto::triage::WorkItem;

    use super::*;
    use crate::sample;

    const DAY_MS: u64 = 2_000;

    fn policy(evidence: &mut Evidence, then: Lapse) {
        evidence.day_ms = DAY_MS;
        let silence = &mut evidence.policy.as_mut().unwrap().orchestrator.silence;
        silence.days = Days::Plain;
        for rule in [&mut silence.question, &mut silence.plan] {
            *rule = NoAnswer { remind_days: vec![1], lapse_days: 3, then };
        }
    }

    fn remind(evidence: &mut Evidence, name: &str, value: &str) {
        let at = evidence.notices.by_event.len();
        let notice = Notice {
            notice_id: format!("r{at}"),
            template: "answer_reminder".into(),
            claim_id: sample::WAITING.into(),
            parameters: [(name.to_owned(), value.to_owned())].into(),
            ..Notice::default()
        };
        evidence.notices.by_event.insert(format!("re{at}"), notice);
    }

    /// The question of the claim that waits lapsed so long after it was asked.
    fn silent(evidence: &mut Evidence, after_ms: u64, reminders: usize) {
        policy(evidence, Lapse::Withdrawn);
        let timeline = evidence.timelines.get_mut(sample::WAITING).unwrap();
        let question_id = "q1".to_owned();
        timeline[1].kind =
            Some(claim_event::Kind::QuestionAsked(QuestionAsked { question_id, ..QuestionAsked::default() }));
        let mut end = timeline.last().unwrap().clone();
        end.number += 1;
        end.occurred_at = Some(sample::at(ms(timeline[1].occurred_at.as_ref()) + after_ms));
        end.set_state(ClaimState::Withdrawn);
        let outcome = ClaimState::Withdrawn as i32;
        end.kind = Some(claim_event::Kind::Ended(Ended { outcome, reason: NO_ANSWER.into(), ..Ended::default() }));
        timeline.push(end);
        (0..reminders).for_each(|_| remind(evidence, "question_id", "q1"));
    }

    #[test]
    fn silence_that_was_reminded_ends_a_claim_in_time() {
        assert_eq!(sample::found(check, |evidence| silent(evidence, 3 * DAY_MS, 1)), Vec::<String>::new());
        let early = sample::found(check, |evidence| silent(evidence, 3 * DAY_MS - 1, 1));
        assert_eq!(early, ["question_id q1 lapsed 1 ms early"]);
        let untold = sample::found(check, |evidence| silent(evidence, 3 * DAY_MS, 0));
        assert_eq!(untold, ["question_id q1 lapsed after 0 reminders, 1 are due"]);
        let twice = sample::found(check, |evidence| silent(evidence, 3 * DAY_MS, 2));
        assert_eq!(twice, ["2 reminders of question_id q1, 1 at most"]);
    }

    #[test]
    fn the_end_is_that_of_the_policy_and_of_what_was_asked() {
        for then in [Lapse::Person, Lapse::Closed] {
            let other = sample::found(check, |evidence| {
                silent(evidence, 3 * DAY_MS, 1);
                policy(evidence, then);
            });
            assert!(other.len() == 1 && other[0].starts_with("question_id q1 lapsed to Withdrawn"), "{other:?}");
        }
        let nobody = sample::found(check, |evidence| {
            silent(evidence, 3 * DAY_MS, 0);
            for event in &mut evidence.timelines.get_mut(sample::WAITING).unwrap()[1..3] {
                event.set_state(ClaimState::Executing);
            }
        });
        assert_eq!(nobody, ["it ended without an answer, and nobody was asked"]);
    }

    #[test]
    fn what_does_not_lapse_is_found_and_what_still_may_is_not() {
        let open = |evidence: &mut Evidence| {
            silent(evidence, 3 * DAY_MS, 0);
            drop(evidence.timelines.get_mut(sample::WAITING).unwrap().pop());
        };
        let found = sample::found(check, open);
        assert!(found.len() == 1 && found[0].contains("did not lapse"), "{found:?}");
        let soon = |evidence: &mut Evidence| {
            open(evidence);
            evidence.now_ms = evidence.log.calm_since().max(sample::START) + 3 * DAY_MS + LATE_MS;
        };
        assert_eq!(sample::found(check, soon), Vec::<String>::new());
    }

    #[test]
    fn a_person_judges_once_for_each_plan_that_lapsed() {
        let after = |reminded: &[&str], items| {
            sample::found(check, |evidence| {
                policy(evidence, Lapse::Person);
                evidence.timelines.remove(sample::WAITING);
                reminded.iter().for_each(|plan| remind(evidence, "plan_number", plan));
                for _ in 0..items {
                    let (claim_id, reason) = (sample::WAITING.into(), NO_ANSWER.into());
                    evidence.judging.push(WorkItem { claim_id, reason, ..WorkItem::default() });
                }
            })
        };
        assert_eq!(after(&["1"], 1), Vec::<String>::new());
        assert_eq!(after(&["1", "2"], 2), Vec::<String>::new());
        assert_eq!(after(&["1"], 2).len(), 1);
        assert_eq!(after(&[], 1).len(), 1);
    }
}
