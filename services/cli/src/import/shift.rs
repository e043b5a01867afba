//! Days of a file, moved by one constant.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

/// The day that the newest day of a file is moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Today, in UTC.
    Today,
    /// A given day.
    Day(Date),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "today" {
            return Ok(Self::Today);
        }
        text.parse().map(Self::Day).map_err(|_| format!("{text:?} is not a day as YYYY-MM-DD"))
    }
}

/// Today, in UTC: never later than the day in a zone of the west coasts of Europe.
pub fn today(clock: &chassis::Clock) -> Date {
    TimeZone::UTC.to_datetime(clock.now()).date()
}

/// Days by which dates move so that `newest` becomes the day asked for.
pub fn days(newest: Option<Date>, until: Option<Until>, clock: &chassis::Clock) -> i64 {
    let (Some(newest), Some(until)) = (newest, until) else { return 0 };
    let until = match until {
        Until::Today => today(clock),
        Until::Day(day) => day,
    };
    newest.duration_until(until).as_hours() / 24
}

/// A day, moved.
pub fn moved(day: Date, days: i64) -> Date {
    let span: Span = days.days();
    day.saturating_add(span)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_newest_day_becomes_the_day_asked_for() {
        let clock = chassis::Clock::default();
        let newest = date(2010, 12, 5);
        let to = date(2026, 11, 22);
        let moved_by = days(Some(newest), Some(Until::Day(to)), &clock);
        assert_eq!(moved(newest, moved_by), to);
        assert_eq!(moved(date(2010, 12, 1), moved_by), date(2026, 11, 18));
        assert_eq!(days(Some(newest), None, &clock), 0);
        assert_eq!(moved(newest, days(Some(newest), Some(Until::Today), &clock)), today(&clock));
        assert_eq!("today".parse(), Ok(Until::Today));
    }
}
