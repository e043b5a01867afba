//! Days of a file: read, and moved by one constant.

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
        day(text).map(Self::Day)
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

/// Reads d/m/yyyy or YYYY-MM-DD; a time of day behind it is not looked at.
pub fn day(text: &str) -> Result<Date, String> {
    let wrong = || format!("{text:?} is not a day as d/m/yyyy or YYYY-MM-DD");
    let first = text.split([' ', 'T']).next().unwrap_or_default();
    let Some((day, rest)) = first.split_once('/') else { return first.parse().map_err(|_| wrong()) };
    let (month, year) = rest.split_once('/').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<i16>().map_err(|_| wrong());
    let small = |text: &str| text.parse::<i8>().map_err(|_| wrong());
    if year.len() != 4 {
        return Err(wrong());
    }
    Date::new(number(year)?, small(month)?, small(day)?).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_read_day_first() {
        assert_eq!(day("5/12/2010"), Ok(date(2010, 12, 5)));
        assert_eq!(day("1/12/2010 8:26"), Ok(date(2010, 12, 1)));
        assert_eq!(day("2010-12-05"), Ok(date(2010, 12, 5)));
        for odd in ["", "31/2/2010", "12/31/2010", "1/2", "1/2/10", "soon", "2010-13-01"] {
            assert!(day(odd).is_err(), "{odd}");
        }
    }

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
