//! Targets that follow the severity, by example. First feedback has 900, 450, 240 and 120 minutes.

use super::*;

const KINDS: [ClockKind; 2] = [ClockKind::FirstFeedback, ClockKind::FinalSolution];

fn running() -> Case {
    let mut case = Case::new();
    case.tell(&start(1, &KINDS));
    case
}

fn judged(severity: Severity) -> Command {
    Command::RetargetClocks { round: 1, severity }
}

fn stamp(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn breaches(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::ClockBreached(..))).count()
}

#[test]
fn a_d2_an_urgent_claim_has_urgent_clocks() {
    let mut case = running();
    case.at("2026-11-23T09:10:00Z");
    case.tell(&judged(Severity::Urgent));
    let minutes = |kind| case.clock(kind, 1).target.as_secs() / 60;
    assert_eq!(KINDS.map(minutes), [120, 1_350]);
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!((clock.deadline, clock.started_at), (stamp("2026-11-23T11:00:00Z"), stamp("2026-11-23T09:00:00Z")));
    assert_eq!(clock.next_at, Some(stamp("2026-11-23T10:00:00Z")), "half of the new time");
    assert!(case.tell(&judged(Severity::Urgent)).is_empty(), "told again, nothing happens");
}

#[test]
fn b_d3_every_message_that_knows_the_severity_tells_it() {
    let plan = Arc::new(Plan { number: 1, ..Plan::default() });
    for message in [
        judged(Severity::Serious),
        start_as(1, &KINDS, Some(Severity::Serious)),
        Command::RequestApproval { plan, severity: Some(Severity::Serious), involved: Involved::default() },
        Command::StopClocks {
            kinds: [ClockKind::Acknowledgement].into(),
            round: Some(1),
            at: None,
            severity: Some(Severity::Serious),
        },
    ] {
        let mut case = running();
        case.tell(&message);
        assert_eq!(case.clock(ClockKind::FinalSolution, 1).severity, Severity::Serious, "{message:?}");
    }
    let mut case = running();
    assert!(case.tell(&start(1, &KINDS)).is_empty(), "what is not judged says nothing");
}

#[test]
fn a_shorter_target_that_is_used_up_is_breached_now_and_once() {
    let mut case = running();
    case.at("2026-11-23T11:30:00Z");
    let events = case.tell(&judged(Severity::Urgent));
    assert_eq!(breaches(&events), 1);
    let clock = case.clock(ClockKind::FirstFeedback, 1).clone();
    assert_eq!((clock.state, clock.breached_at), (ClockState::Breached, Some(case.now)));
    assert_eq!(clock.warned, 75);
    case.at("2026-11-23T11:31:00Z");
    assert_eq!(breaches(&case.tell(&judged(Severity::Minor))), 0);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).breached_at, clock.breached_at, "the first breach is kept");
    assert!(case.sweep().is_empty());
}

#[test]
fn a_longer_target_moves_the_deadline_and_warnings_stay() {
    let mut case = running();
    case.at("2026-11-23T16:30:00Z");
    case.sweep();
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).warned, 75);
    case.tell(&judged(Severity::Minor));
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!((clock.deadline, clock.warned), (stamp("2026-11-24T17:30:00Z"), 75));
    assert_eq!(clock.next_at, Some(clock.deadline), "what was warned of is not warned of again");
}

#[test]
fn a_deadline_that_had_passed_before_the_judgement_was_missed() {
    let mut case = running();
    case.at("2026-11-23T17:31:00Z");
    assert_eq!(breaches(&case.tell(&judged(Severity::Minor))), 1, "by the target that it had");
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).breached_at, Some(stamp("2026-11-23T17:30:00Z")));
}

#[test]
fn a_paused_clock_gets_the_target_and_keeps_what_it_has_used() {
    let mut case = running();
    case.at("2026-11-23T10:00:00Z");
    case.tell(&Command::PauseClocks);
    case.at("2026-11-25T10:00:00Z");
    case.tell(&judged(Severity::Serious));
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!((clock.state, clock.left), (ClockState::Paused, SignedDuration::from_mins(180)));
    assert_eq!((clock.deadline, clock.next_at), (stamp("2026-11-23T14:00:00Z"), None));
    case.tell(&Command::ResumeClocks);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).deadline, stamp("2026-11-25T14:00:00Z"));
    // An hour is less than what was used.
    let mut case = running();
    case.at("2026-11-23T12:00:00Z");
    case.tell(&Command::PauseClocks);
    case.at("2026-11-25T10:00:00Z");
    assert_eq!(breaches(&case.tell(&judged(Severity::Urgent))), 1);
    assert_eq!(case.clock(ClockKind::FirstFeedback, 1).breached_at, Some(case.now));
}

#[test]
fn a_promise_that_was_kept_by_its_own_target_is_not_broken_by_late_news() {
    let kept = |at: &str| {
        let mut case = running();
        case.at("2026-11-23T14:00:00Z");
        let (kinds, at) = ([ClockKind::FirstFeedback].into(), Some(stamp(at)));
        let severity = Some(Severity::Urgent);
        case.tell(&Command::StopClocks { kinds, round: Some(1), at, severity });
        assert_eq!(case.clock(ClockKind::FinalSolution, 1).severity, Severity::Urgent);
        case.clock(ClockKind::FirstFeedback, 1).state
    };
    assert_eq!(kept("2026-11-23T10:59:00Z"), ClockState::Stopped);
    assert_eq!(kept("2026-11-23T11:01:00Z"), ClockState::Breached);
}

#[test]
fn a_breach_climbs_by_the_ladder_of_the_new_severity() {
    let mut case = running();
    case.at("2026-11-23T17:30:00Z");
    case.sweep();
    // General has 480 minutes until management is told, urgent 60.
    case.at("2026-11-24T09:30:00Z");
    case.tell(&judged(Severity::Urgent));
    let clock = case.clock(ClockKind::FirstFeedback, 1);
    assert_eq!((clock.level, clock.target), (1, SignedDuration::from_mins(450)), "the breach stays as it is");
    assert_eq!(clock.next_at, Some(stamp("2026-11-24T10:00:00Z")));
    case.at("2026-11-24T11:00:00Z");
    case.sweep();
    let raised: Vec<_> = case.claim.raised.iter().map(|raised| (raised.level, raised.role)).collect();
    assert_eq!(raised, [(1, Role::Supervisor), (2, Role::Management)]);
}

#[test]
fn the_clock_of_an_approval_and_those_of_other_rounds_stay() {
    let mut case = running();
    let plan = Arc::new(Plan { number: 1, cost: None, ..Plan::default() });
    let plan = Arc::new(Plan {
        lines: vec![proto::claim::LinePlan { resolution: 1, ..Default::default() }],
        ..(*plan).clone()
    });
    case.tell(&Command::RequestApproval { plan, severity: Some(Severity::General), involved: Involved::default() });
    case.tell(&start(2, &KINDS));
    case.tell(&judged(Severity::Urgent));
    assert_eq!(case.clock(ClockKind::Approval, 1).severity, Severity::General);
    assert_eq!(case.clock(ClockKind::FinalSolution, 2).severity, Severity::General);
}

#[test]
fn a_channel_with_less_time_has_it_in_every_severity() {
    let mut case = Case::new();
    let kinds = [ClockKind::Acknowledgement].into();
    let channel = Channel::Phone;
    case.tell(&Command::StartClocks { round: 1, kinds, severity: None, channel, from: None });
    let minutes = |case: &Case| case.clock(ClockKind::Acknowledgement, 1).target.as_secs() / 60;
    assert_eq!(minutes(&case), 60);
    case.tell(&judged(Severity::Minor));
    assert_eq!(minutes(&case), 60);
}
