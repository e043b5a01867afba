//! Working periods and time zones, as they are written in a pack: `"09:00-12:30"`, `"Europe/London"`.

use std::fmt;

use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, Error};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A working period within one day, in minutes since midnight. It never crosses midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    from: u16,
    to: u16,
}

impl Period {
    /// A period; `None` if it is empty or leaves its day.
    pub fn new(from: u16, to: u16) -> Option<Self> {
        (from < to && to <= DAY).then_some(Self { from, to })
    }

    /// First minute of the period.
    pub fn from(self) -> u16 {
        self.from
    }

    /// First minute after the period, up to 1440: midnight.
    pub fn to(self) -> u16 {
        self.to
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (begin, end) = text
            .split_once('-')
            .and_then(|(begin, end)| Some((minutes(begin)?, minutes(end)?)))
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not a working period as 09:00-12:30")))?;
        Self::new(begin, end).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is empty or crosses midnight: split it between two days"))
        })
    }
}

/// Reads `HH:MM`, up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let known = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| known)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= DAY).then_some(hours * 60 + minutes)
}

/// Reads the IANA name of a time zone.
pub(super) fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(from)?;
    TimeZone::get(&name).map_err(|_| D::Error::custom(format!("`{name}` is not a time zone")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_times_of_a_day_are_read() {
        assert_eq!(minutes("09:30"), Some(570));
        assert_eq!(minutes("24:00"), Some(1440));
        for odd in ["9:30", "24:01", "12:60", "+9:00", "", "12", "012:00"] {
            assert_eq!(minutes(odd), None, "{odd}");
        }
    }
}
