//! The calendar against a naive walk, minute by minute, through clock changes and holidays.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::Pack;
use crate::policy::escalation::Period;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Whether the minute that begins at `at` is a working one: what the clock on the wall shows decides.
fn works(calendar: &policy::Calendar, at: Timestamp) -> bool {
    let wall = at.to_zoned(calendar.time_zone.clone()).datetime();
    let minute = u16::try_from(i32::from(wall.hour()) * 60 + i32::from(wall.minute())).unwrap();
    calendar.day(wall.date()).iter().any(|period| (period.from()..period.to()).contains(&minute))
}

fn naive_add(calendar: &policy::Calendar, start: Timestamp, minutes: i64) -> Timestamp {
    let (mut at, mut left) = (start, minutes);
    while left > 0 {
        left -= i64::from(works(calendar, at));
        at += 1.minute();
    }
    at
}

fn naive_between(calendar: &policy::Calendar, start: Timestamp, end: Timestamp) -> i64 {
    let mut at = start;
    let mut sum = 0;
    while at < end {
        sum += i64::from(works(calendar, at));
        at += 1.minute();
    }
    sum
}

/// Zones and a time close to an odd moment of theirs: clocks go forward and back, by an hour, by half an hour, at
/// midnight, and once a whole day is missing.
const ODD: [(&str, &str); 12] = [
    ("Europe/London", "2026-03-29T01:00:00Z"),
    ("Europe/London", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Asia/Kolkata", "2026-12-25T00:00:00Z"),
    ("UTC", "2026-12-31T23:00:00Z"),
];

fn periods() -> impl Strategy<Value = Vec<Period>> {
    let edges = proptest::collection::btree_set(0_u16..=1440, 0..=6);
    edges.prop_map(|edges| {
        let edges: Vec<u16> = edges.into_iter().collect();
        edges.chunks_exact(2).filter_map(|pair| Period::new(pair[0], pair[1])).collect()
    })
}

/// A calendar with holidays and special days around the odd moment, and a start near it. A Wednesday always works.
fn cases() -> impl Strategy<Value = (policy::Calendar, Timestamp)> {
    let odd = proptest::sample::select(&ODD[..]);
    let week = proptest::collection::vec(periods(), 7);
    let days = proptest::collection::btree_map(-3_i32..=10, periods(), 0..=4);
    let holidays = proptest::collection::btree_set(-3_i32..=10, 0..=3);
    (odd, week, days, holidays, -3_000_i64..1_000).prop_map(|((zone, moment), week, days, holidays, before)| {
        let moment: Timestamp = moment.parse().unwrap();
        let time_zone = TimeZone::get(zone).unwrap();
        let date = |day: i32| -> Date { time_zone.to_datetime(moment).date() + day.days() };
        let special: BTreeMap<Date, Vec<Period>> =
            days.into_iter().map(|(day, periods)| (date(day), periods)).filter(|(_, p)| !p.is_empty()).collect();
        let holidays: BTreeSet<Date> =
            holidays.into_iter().map(date).filter(|day| !special.contains_key(day)).collect();
        let [monday, tuesday, mut wednesday, thursday, friday, saturday, sunday]: [Vec<Period>; 7] =
            week.try_into().unwrap();
        if wednesday.is_empty() {
            wednesday = vec![Period::new(0, 1440).unwrap()];
        }
        let calendar = policy::Calendar {
            time_zone,
            known_until: Date::MAX,
            monday,
            tuesday,
            wednesday,
            thursday,
            friday,
            saturday,
            sunday,
            holidays,
            special,
        };
        (calendar, moment + before.minutes())
    })
}

proptest! {
    #[test]
    fn adding_equals_a_walk_minute_by_minute((policy, start) in cases(), minutes in 0_i64..700) {
        let calendar = Calendar::new(policy.clone());
        let deadline = calendar.add_working(start, SignedDuration::from_mins(minutes));
        prop_assert_eq!(deadline, naive_add(&policy, start, minutes));
        prop_assert_eq!(calendar.working_between(start, deadline), SignedDuration::from_mins(minutes));
    }

    #[test]
    fn working_time_between_equals_a_walk_minute_by_minute((policy, start) in cases(), minutes in -60_i64..6_000) {
        let end = start + minutes.minutes();
        let between = Calendar::new(policy.clone()).working_between(start, end);
        prop_assert_eq!(between, SignedDuration::from_mins(naive_between(&policy, start, end)));
    }

    #[test]
    fn ff6_a_day_is_known_to_its_end((policy, start) in cases(), minutes in -3_000_i64..3_000) {
        let known_until = policy.time_zone.to_datetime(start).date();
        let calendar = Calendar::new(policy::Calendar { known_until, ..policy.clone() });
        let at = start + minutes.minutes();
        prop_assert_eq!(calendar.is_known(at), policy.time_zone.to_datetime(at).date() <= known_until);
        prop_assert_eq!(calendar.is_known(at), at < calendar.known_to());
    }

    #[test]
    fn a_deadline_splits_at_any_moment((policy, start) in cases(), us in 1_i64..30_000_000_000, part in 0_i64..40_000) {
        let calendar = Calendar::new(policy);
        let target = SignedDuration::from_micros(us);
        let deadline = calendar.add_working(start, target);
        let middle = (start + part.seconds()).min(deadline);
        let left = target - calendar.working_between(start, middle);
        prop_assert_eq!(calendar.add_working(middle, left), if left.is_zero() { middle } else { deadline });
        prop_assert_eq!(calendar.working_between(start, deadline), target);
    }
}

fn office() -> Calendar {
    Calendar::new(Pack::load(None).unwrap().escalation.calendars["office"].clone())
}

#[track_caller]
fn deadline(start: &str, minutes: i64, expected: &str) {
    let at = |text: &str| text.parse::<jiff::Zoned>().unwrap();
    let deadline = office().add_working(at(start).timestamp(), SignedDuration::from_mins(minutes));
    assert_eq!(deadline.to_zoned(TimeZone::get("Europe/London").unwrap()), at(expected));
}

#[test]
fn a_deadline_skips_lunch_nights_weekends_and_holidays() {
    deadline("2026-11-23T09:00[Europe/London]", 210, "2026-11-23T12:30[Europe/London]");
    deadline("2026-11-23T09:00[Europe/London]", 211, "2026-11-23T13:31[Europe/London]");
    deadline("2026-11-27T17:00[Europe/London]", 60, "2026-11-30T09:30[Europe/London]");
    deadline("2026-12-24T17:00[Europe/London]", 31, "2026-12-29T09:01[Europe/London]");
    // A Saturday with hours of its own.
    deadline("2026-12-11T17:30[Europe/London]", 90, "2026-12-12T11:30[Europe/London]");
    // Clocks go back on the Sunday between.
    deadline("2026-10-23T17:00[Europe/London]", 60, "2026-10-26T09:30[Europe/London]");
}

#[test]
fn a_calendar_that_ends_gives_its_horizon() {
    let mut policy = Pack::load(None).unwrap().escalation.calendars["office"].clone();
    for day in
        [&mut policy.monday, &mut policy.tuesday, &mut policy.wednesday, &mut policy.thursday, &mut policy.friday]
    {
        day.clear();
    }
    let start: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    let deadline = Calendar::new(policy).add_working(start, SignedDuration::from_hours(100));
    assert!(deadline > start + SignedDuration::from_hours(39 * 365 * 24), "{deadline}");
}

#[test]
fn ff6_what_lies_beyond_the_last_known_day_is_provisional() {
    let known = |at: &str| office().is_known(at.parse().unwrap());
    assert!(known("2027-12-31T23:59:59Z"));
    assert!(!known("2028-01-01T00:00:00Z"));
    // Fifteen working days from the tenth of December on end where holidays are not known.
    let end = office().add_working("2027-12-10T09:00:00Z".parse().unwrap(), SignedDuration::from_mins(6_750));
    assert!(!office().is_known(end), "{end}");
}
