//! Business calendars (domain rule 11): working time is what the clock on the wall shows inside a working period.
//!
//! An hour that is skipped in spring is nobody's working time; one that comes twice in autumn counts twice. So time is
//! walked in stretches of one offset from UTC, and within a stretch day by day.

use std::ops::ControlFlow;

use crate::policy::escalation as policy;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};

/// How far into the future working time is looked for, in years.
const HORIZON_YEARS: i32 = 40;

/// A business calendar.
#[derive(Clone, Debug)]
pub struct Calendar(policy::Calendar);

impl Calendar {
    /// The calendar of a pack.
    pub fn new(calendar: policy::Calendar) -> Self {
        Self(calendar)
    }

    /// The earliest time at which `duration` of working time has passed since `start`.
    pub fn add_working(&self, start: Timestamp, duration: SignedDuration) -> Timestamp {
        let mut left = duration;
        if left <= SignedDuration::ZERO {
            return start;
        }
        let end = self.walk(start, |begin, end| {
            let span = begin.duration_until(end);
            if span >= left {
                return ControlFlow::Break(begin.saturating_add(left).unwrap_or(end));
            }
            left -= span;
            ControlFlow::Continue(())
        });
        end.unwrap_or_else(|horizon| horizon)
    }

    /// Working time from `start` to `end`; nothing if `end` is not later.
    pub fn working_between(&self, start: Timestamp, end: Timestamp) -> SignedDuration {
        let mut sum = SignedDuration::ZERO;
        let _ = self.walk(start, |begin, until| {
            if begin >= end {
                return ControlFlow::Break(end);
            }
            sum += begin.duration_until(until.min(end));
            ControlFlow::Continue(())
        });
        sum
    }

    /// Whether every holiday up to `at` is known. What is reckoned beyond is provisional: the next pack may move it.
    pub fn is_known(&self, at: Timestamp) -> bool {
        at < self.known_to()
    }

    /// The end of the last day up to which every holiday is known.
    pub fn known_to(&self) -> Timestamp {
        let next = self.0.known_until.tomorrow().and_then(|next| next.to_zoned(self.0.time_zone.clone()));
        next.map_or(Timestamp::MAX, |next| next.timestamp())
    }

    /// The same time of the day, so many working days later.
    pub fn add_working_days(&self, start: Timestamp, days: u32) -> Timestamp {
        let zoned = start.to_zoned(self.0.time_zone.clone());
        let last = zoned.date().saturating_add(Span::new().years(HORIZON_YEARS));
        let later = zoned.date().series(1.day()).skip(1).take_while(|day| *day <= last);
        let working = later.filter(|day| !self.0.day(*day).is_empty());
        let day = usize::try_from(days).ok().and_then(|days| days.checked_sub(1)).map(|before| working.skip(before));
        let day = day.map_or(Some(zoned.date()), |mut left| left.next()).unwrap_or(last);
        let found = day.to_datetime(zoned.time()).to_zoned(self.0.time_zone.clone());
        found.map_or(start, |found| found.timestamp())
    }

    /// Shows every working span from `start` on, in order, until `visit` breaks. `Err`: it never did; how far it came.
    fn walk(
        &self,
        start: Timestamp,
        mut visit: impl FnMut(Timestamp, Timestamp) -> ControlFlow<Timestamp>,
    ) -> Result<Timestamp, Timestamp> {
        let zone = &self.0.time_zone;
        let mut at = start;
        let mut offset = zone.to_offset(at);
        let first = offset.to_datetime(at).date();
        let last = first.saturating_add(Span::new().years(HORIZON_YEARS));
        loop {
            let end = zone.following(at).next().map_or(Timestamp::MAX, |next| next.timestamp());
            let mut date = offset.to_datetime(at).date();
            loop {
                let midnight = offset.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
                let Ok(midnight) = midnight else { return Err(Timestamp::MAX) };
                if midnight >= end {
                    break;
                }
                for period in self.0.day(date) {
                    let minute = |minute: u16| midnight.saturating_add(i64::from(minute).minutes()).unwrap_or(end);
                    let (begin, until) = (minute(period.from()).max(at), minute(period.to()).min(end));
                    if begin < until
                        && let ControlFlow::Break(found) = visit(begin, until)
                    {
                        return Ok(found);
                    }
                }
                match date.tomorrow() {
                    Ok(next) if next <= last => date = next,
                    _ => return Err(midnight.max(at)),
                }
            }
            at = end;
            offset = zone.to_offset(at);
        }
    }
}

#[cfg(test)]
mod tests;
