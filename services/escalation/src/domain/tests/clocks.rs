//! Clocks by example. The office works 09:00-12:30 and 13:30-17:30; a first feedback has 450 minutes, a whole day.

use super::*;

const KEY: ClockKey = ClockKey { kind: ClockKind::FirstFeedback, round: 1 };

fn running() -> Case {
    let mut case = Case::new();
    case.tell(&start(1, &[ClockKind::FirstFeedback]));
    case
}

fn stamp(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn warnings(events: &[Event]) -> Vec<u32> {
    events
        .iter()
        .filter_map(|event| if let Event::ClockWarned(_, percent, ..) = event { Some(*percent) } else { None })
        .collect()
}

fn breaches(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::ClockBreached(..))).count()
}

#[test]
fn a_clock_warns_twice_and_is_breached_once() {
    let mut case = running();
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).deadline, stamp("2026-11-23T17:30:00Z"));
    // 225 minutes are 12:30 and then a quarter of an hour after lunch.
    case.at("2026-11-23T13:44:59Z");
    assert!(case.sweep().is_empty());
    case.at("2026-11-23T13:45:00Z");
    assert_eq!(warnings(&case.sweep()), [50]);
    assert!(case.sweep().is_empty());
    case.at("2026-11-23T16:00:00Z");
    assert_eq!(warnings(&case.sweep()), [75]);
    case.at("2026-11-23T17:29:59Z");
    assert!(case.sweep().is_empty());
    case.at("2026-11-23T17:30:00Z");
    let events = case.sweep();
    assert_eq!((breaches(&events), warnings(&events).len()), (1, 0));
    assert!(case.sweep().is_empty());
    let item = case.open_items()[0];
    assert_eq!((item.kind, item.work.role, item.about), (WorkKind::Escalation, Role::Supervisor, About::Clock(KEY)));
}

#[test]
fn after_a_long_sleep_only_the_highest_warning_comes_before_the_breach() {
    let mut case = running();
    case.at("2026-11-26T12:00:00Z");
    let events = case.sweep();
    assert_eq!((warnings(&events), breaches(&events)), (vec![75], 1));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).breached_at, Some(stamp("2026-11-23T17:30:00Z")));
    assert_eq!(case.claim.raised.len(), 1, "the ladder begins when people are told");
    assert!(case.sweep().is_empty());
}

#[test]
fn a_stale_finding_of_the_sweep_does_nothing() {
    let mut case = running();
    let at = case.clock(ClockKind::FirstFeedback, 1).next_at.unwrap();
    case.now = at;
    assert_eq!(case.tell(&Command::Due { clock: KEY, at }).len(), 1);
    assert!(case.tell(&Command::Due { clock: KEY, at }).is_empty());
    let unknown = ClockKey { kind: ClockKind::Approval, round: 9 };
    assert!(case.tell(&Command::Due { clock: unknown, at }).is_empty());
}

#[test]
fn the_databases_clock_is_the_judge() {
    let mut case = running();
    let at = case.clock(ClockKind::FirstFeedback, 1).next_at.unwrap();
    case.now = at - SignedDuration::from_millis(20);
    assert_eq!(warnings(&case.tell(&Command::Due { clock: KEY, at })), [50]);
}

#[test]
fn a_pause_keeps_what_is_left() {
    let mut case = running();
    case.at("2026-11-23T10:00:00Z");
    case.tell(&Command::PauseClocks);
    case.at("2026-11-25T11:00:00Z");
    assert!(case.sweep().is_empty());
    assert!(case.tell(&Command::PauseClocks).is_empty());
    case.tell(&Command::ResumeClocks);
    assert!(case.tell(&Command::ResumeClocks).is_empty());
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!(clock.left, SignedDuration::from_mins(390));
    assert_eq!(clock.deadline, stamp("2026-11-26T10:00:00Z"));
    // 165 more minutes are half of the time.
    assert_eq!(clock.next_at, Some(stamp("2026-11-25T14:45:00Z")));
}

#[test]
fn a_clock_that_is_started_while_paused_waits() {
    let mut case = Case::new();
    case.at("2026-11-23T10:00:00Z");
    case.tell(&Command::PauseClocks);
    case.at("2026-11-23T11:00:00Z");
    let command = Command::StartClocks {
        round: 1,
        kinds: [ClockKind::FirstFeedback].into(),
        severity: Some(Severity::Urgent),
        channel: Channel::Web,
        from: Some(stamp("2026-11-23T09:30:00Z")),
    };
    case.tell(&command);
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!((clock.state, clock.left), (ClockState::Paused, SignedDuration::from_mins(90)));
    case.at("2026-11-23T12:00:00Z");
    case.tell(&Command::ResumeClocks);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).deadline, stamp("2026-11-23T14:30:00Z"));
}

#[test]
fn a_promise_that_was_broken_before_the_pause_is_broken() {
    let mut case = Case::new();
    case.tell(&Command::PauseClocks);
    let from = Some(stamp("2026-11-16T09:00:00Z"));
    let kinds = [ClockKind::FirstFeedback].into();
    let channel = Channel::Web;
    let events = case.tell(&Command::StartClocks { round: 1, kinds, severity: None, channel, from });
    assert_eq!((warnings(&events), breaches(&events)), (vec![75], 1));
    assert_eq!(case.claim.raised[0].raised_at, case.now);
    assert!(case.tell(&Command::ResumeClocks).iter().all(|event| *event == Event::Resumed));
}

#[test]
fn a_stop_that_comes_first_wins_for_its_round() {
    for first in [stop(&[ClockKind::FirstFeedback]), stop_all()] {
        let mut case = Case::new();
        case.tell(&first);
        assert!(case.tell(&first).is_empty());
        case.tell(&start(1, &[ClockKind::FirstFeedback]));
        assert!(case.claim.clocks.is_empty());
        case.tell(&start(2, &[ClockKind::FirstFeedback]));
        assert_eq!(case.clock(ClockKind::FirstFeedback, 2).state, ClockState::Running);
    }
}

#[test]
fn a_kept_promise_is_never_breached() {
    let mut case = running();
    case.at("2026-11-23T17:29:00Z");
    case.tell(&stop(&[ClockKind::FirstFeedback]));
    case.at("2027-01-23T17:29:00Z");
    assert!(case.sweep().is_empty());
    assert!(case.tell(&start(1, &[ClockKind::FirstFeedback])).is_empty());
    assert!(case.tell(&Command::PauseClocks).iter().all(|event| matches!(event, Event::Paused(_))));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).state, ClockState::Stopped);
}

fn stop_at(round: u32, kinds: &[ClockKind], at: &str) -> Command {
    let kinds = kinds.iter().copied().collect();
    Command::StopClocks { kinds, round: Some(round), at: Some(stamp(at)), severity: None }
}

#[test]
fn a_late_stop_of_an_old_round_leaves_the_new_one_alone() {
    let mut case = running();
    case.tell(&start(2, &[ClockKind::FirstFeedback]));
    case.at("2026-11-23T10:00:00Z");
    case.tell(&stop_at(1, ClockKind::ALL, "2026-11-23T09:30:00Z"));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).state, ClockState::Stopped);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).stopped_at, Some(stamp("2026-11-23T09:30:00Z")));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 2).state, ClockState::Running);
    assert!(case.tell(&start(1, &[ClockKind::FinalSolution])).is_empty(), "it is remembered for that round");
    assert!(!case.tell(&start(2, &[ClockKind::FinalSolution])).is_empty(), "and not for the next");
    case.tell(&stop_at(2, &[ClockKind::FirstFeedback], "2026-11-23T10:00:00Z"));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 2).state, ClockState::Stopped);
}

#[test]
fn a_promise_that_was_kept_in_time_is_not_broken_by_late_news() {
    let mut case = running();
    case.at("2026-11-23T17:31:00Z");
    let events = case.tell(&stop_at(1, &[ClockKind::FirstFeedback], "2026-11-23T17:29:00Z"));
    assert_eq!((breaches(&events), warnings(&events)), (0, vec![75]));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).state, ClockState::Stopped);
    // The sweep was faster: what is on record stays, with the time at which the promise was kept.
    let mut case = running();
    case.at("2026-11-23T17:31:00Z");
    assert_eq!(breaches(&case.sweep()), 1);
    let late = stop_at(1, &[ClockKind::FirstFeedback], "2026-11-23T17:29:00Z");
    case.tell(&late);
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!((clock.state, clock.next_at), (ClockState::Breached, None));
    assert_eq!(clock.stopped_at, Some(stamp("2026-11-23T17:29:00Z")));
    assert!(case.tell(&late).is_empty());
    // Nobody keeps a promise in the future.
    let mut case = running();
    case.tell(&stop_at(1, &[ClockKind::FirstFeedback], "2026-12-23T17:29:00Z"));
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).stopped_at, Some(stamp("2026-11-23T09:00:00Z")));
}

#[test]
fn a_stop_after_the_deadline_is_too_late() {
    let mut case = running();
    case.at("2026-11-23T17:31:00Z");
    let events = case.tell(&stop_all());
    assert_eq!(breaches(&events), 1);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).state, ClockState::Breached);
    assert!(case.open_items().is_empty(), "nobody is asked about a promise that was kept late");
    case.at("2026-12-23T17:31:00Z");
    assert!(case.sweep().is_empty());
}

#[test]
fn a_breach_climbs_until_somebody_answers() {
    let mut case = running();
    case.at("2026-11-23T17:30:00Z");
    case.sweep();
    let first = case.open_items()[0].work.id;
    // 480 minutes: one day and half an hour.
    case.at("2026-11-25T09:30:00Z");
    let events = case.sweep();
    assert_eq!(breaches(&events), 0);
    let levels: Vec<_> = case.claim.raised.iter().map(|raised| (raised.level, raised.role)).collect();
    assert_eq!(levels, [(1, Role::Supervisor), (2, Role::Management)]);
    assert_eq!(
        case.decide("sue", &[Role::Supervisor], first, Ruling::Approve),
        Err(work::Refusal::Closed(first).into())
    );
    let second = case.open_items()[0].work.id;
    case.decide("max", &[Role::Management], second, Ruling::Approve).unwrap();
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).next_at, None);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).state, ClockState::Breached);
}

#[test]
fn an_answer_ends_the_ladder() {
    let mut case = running();
    case.at("2026-11-23T17:30:00Z");
    case.sweep();
    let item = case.open_items()[0].work.id;
    assert_eq!(case.decide("sue", &[Role::Supervisor], item, Ruling::Deny), Err(Refusal::RulingUnfit));
    case.decide("sue", &[Role::Supervisor], item, Ruling::Approve).unwrap();
    case.at("2026-12-23T17:30:00Z");
    assert!(case.sweep().is_empty());
    assert_eq!(case.claim.raised.len(), 1);
}
