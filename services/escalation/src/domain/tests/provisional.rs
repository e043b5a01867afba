//! Deadlines beyond what a pack knows (FF6), by example. The final solution has ten working days.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::walk::{Model, steps, take};
use super::*;

/// The pack with holidays up to a day.
fn known(until: Date, more: &[Date]) -> Pack {
    let mut pack = Pack::load(None).unwrap();
    let office = pack.escalation.calendars.get_mut("office").unwrap();
    office.known_until = until;
    office.holidays.extend(more);
    office.holidays.retain(|holiday| *holiday <= until);
    pack
}

/// The pack of the next year: New Year's Day is a Saturday, its substitute a Monday.
fn next_year() -> Pack {
    known(date(2028, 12, 31), &[date(2028, 1, 3)])
}

fn stamp(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A claim of the Monday before Christmas 2027.
fn late() -> Case {
    let mut case = Case::new();
    case.at("2027-12-20T09:00:00Z");
    case.tell(&start(1, &[ClockKind::FirstFeedback, ClockKind::FinalSolution]));
    case
}

#[test]
fn ff6_only_what_lies_beyond_the_last_known_day_is_provisional() {
    let case = late();
    let clock = |kind| case.clock(kind, 1);
    assert!(!clock(ClockKind::FirstFeedback).provisional);
    let solution = clock(ClockKind::FinalSolution);
    assert_eq!((solution.provisional, solution.deadline), (true, stamp("2028-01-04T17:30:00Z")));
}

#[test]
fn ff6_the_next_pack_moves_what_was_provisional_and_that_is_told_once() {
    let mut case = late();
    assert!(case.tell(&Command::Reckon).is_empty(), "the same pack knows no more");
    case.rules = Rules::new(&next_year());
    let was = case.clock(ClockKind::FinalSolution, 1).clone();
    let events = case.tell(&Command::Reckon);
    let clock = case.clock(ClockKind::FinalSolution, 1).clone();
    assert_eq!(events, [Event::ClockReckoned(clock.clone(), was.deadline)]);
    assert_eq!((clock.provisional, clock.deadline), (false, stamp("2028-01-05T17:30:00Z")));
    assert_eq!((clock.target, clock.left, clock.state), (was.target, was.left, ClockState::Running));
    assert!(case.tell(&Command::Reckon).is_empty(), "it is known now");
}

#[test]
fn ff6_what_the_next_pack_leaves_where_it_was_is_known_then() {
    let mut case = Case::new();
    case.at("2027-12-31T17:00:00Z");
    case.tell(&start(1, &[ClockKind::Acknowledgement]));
    let was = case.clock(ClockKind::Acknowledgement, 1).clone();
    case.rules = Rules::new(&known(date(2028, 12, 31), &[]));
    case.tell(&Command::Reckon);
    let known = Clock { provisional: false, ..was.clone() };
    assert_eq!((was.provisional, case.clock(ClockKind::Acknowledgement, 1)), (true, &known));
}

#[test]
fn ff6_a_paused_clock_is_reckoned_and_stays_paused() {
    let mut case = late();
    case.at("2027-12-21T09:00:00Z");
    case.tell(&Command::PauseClocks);
    let was = case.clock(ClockKind::FinalSolution, 1).clone();
    case.at("2027-12-23T09:00:00Z");
    assert!(case.tell(&Command::Reckon).is_empty(), "the same pack knows no more");
    case.rules = Rules::new(&next_year());
    case.tell(&Command::Reckon);
    let clock = case.clock(ClockKind::FinalSolution, 1).clone();
    assert_eq!((clock.state, clock.left, clock.next_at), (ClockState::Paused, was.left, None));
    assert_eq!((clock.provisional, clock.deadline), (false, stamp("2028-01-05T17:30:00Z")));
    case.tell(&Command::ResumeClocks);
    let clock = case.clock(ClockKind::FinalSolution, 1);
    assert_eq!((clock.provisional, clock.deadline), (false, stamp("2028-01-07T17:30:00Z")), "two days later");
}

#[test]
fn ff6_what_is_over_is_not_provisional_and_stays_over() {
    let mut case = late();
    case.at("2028-01-04T18:00:00Z");
    case.sweep();
    let clock = case.clock(ClockKind::FinalSolution, 1).clone();
    assert_eq!((clock.state, clock.provisional), (ClockState::Breached, false));
    case.rules = Rules::new(&next_year());
    assert!(case.tell(&Command::Reckon).is_empty());
    let mut case = late();
    case.tell(&stop_all());
    assert!(!case.clock(ClockKind::FinalSolution, 1).provisional);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// What runs on is, once it is reckoned, as if the holidays had been known from the beginning.
    #[test]
    fn ff6_who_learns_of_holidays_before_they_come_has_the_same_deadlines(steps in steps()) {
        let last = date(2026, 12, 24);
        let (mut early, mut late) = (Case::new(), Case::with(&known(last, &[])));
        for step in &steps {
            take(&mut early, &mut Model::default(), step);
            take(&mut late, &mut Model::default(), step);
            if !late.rules.office().is_known(late.now) {
                break;
            }
            let twin = |of: &Case| Case { rules: early.rules.clone(), claim: of.claim.clone(), now: of.now, count: of.count };
            let (mut known, mut learnt) = (twin(&early), twin(&late));
            learnt.tell(&Command::Reckon);
            known.sweep();
            learnt.sweep();
            let open = |clock: &&Clock| matches!(clock.state, ClockState::Running | ClockState::Paused);
            let of = |case: &Case| case.claim.clocks.values().filter(open).cloned().collect::<Vec<_>>();
            prop_assert_eq!(of(&learnt), of(&known));
        }
    }
}
