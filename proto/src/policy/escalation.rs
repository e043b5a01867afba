//! Rules of escalation: when we work, how long a promise may take, whom a broken one goes to, who may approve what.
//!
//! Amounts are minor units of the pack's currency; minutes and hours are working time of a calendar.

mod check;
mod period;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::triage::{PerSeverity, Word};
use crate::claim::{Resolution, Role, Severity};
use crate::escalation::words::{ClockKind, WorkKind};

pub use period::Period;

/// Most special days and holidays of a calendar.
const DAYS_MAX: usize = 2_000;

/// Section `[escalation]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// Calendar of work items and ladders.
    pub calendar: String,
    /// Roles that nobody has: management takes their place wherever somebody is asked.
    #[serde(default)]
    pub absent_roles: BTreeSet<Word<Role>>,
    /// Business calendars by name (domain rule 11).
    pub calendars: BTreeMap<String, Calendar>,
    /// Targets of the clocks: every kind of the contract has one.
    pub clocks: BTreeMap<ClockKind, Target>,
    /// Whom a breach goes to, level by level (S2-20..23).
    pub ladder: PerSeverity<Vec<Level>>,
    /// Working hours after which a work item is due: every kind of the contract has some.
    pub due_hours: BTreeMap<WorkKind, u32>,
    /// Who may approve what: every resolution with every severity is in exactly one rule (S0-49).
    pub authority: Vec<Authority>,
}

/// When the company works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Where the periods are meant.
    #[serde(deserialize_with = "period::zone")]
    pub time_zone: TimeZone,
    /// Last day of which holidays and days with hours of their own are all listed. What is reckoned beyond it is
    /// provisional: later holidays would move it.
    pub known_until: Date,
    /// Working periods of a Monday.
    pub monday: Vec<Period>,
    /// Working periods of a Tuesday.
    pub tuesday: Vec<Period>,
    /// Working periods of a Wednesday.
    pub wednesday: Vec<Period>,
    /// Working periods of a Thursday.
    pub thursday: Vec<Period>,
    /// Working periods of a Friday.
    pub friday: Vec<Period>,
    /// Working periods of a Saturday.
    pub saturday: Vec<Period>,
    /// Working periods of a Sunday.
    pub sunday: Vec<Period>,
    /// Days without work.
    #[serde(default)]
    pub holidays: BTreeSet<Date>,
    /// Days with working periods of their own.
    #[serde(default)]
    pub special: BTreeMap<Date, Vec<Period>>,
}

impl Calendar {
    /// The working periods of a weekday.
    pub fn weekday(&self, day: Weekday) -> &[Period] {
        match day {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        }
    }

    /// The working periods of a day.
    pub fn day(&self, date: Date) -> &[Period] {
        match self.special.get(&date) {
            Some(periods) => periods,
            None if self.holidays.contains(&date) => &[],
            None => self.weekday(date.weekday()),
        }
    }

    /// The first working day that is not before `day`: one with working time, also where that is made up for.
    pub fn working_day(&self, day: Date) -> Date {
        // A valid calendar has at most so many days off, and a working day in each week.
        let mut days = day.series(1.day()).take(8 * DAYS_MAX);
        days.find(|day| !self.day(*day).is_empty()).unwrap_or(day)
    }
}

/// The target of one kind of clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Calendar that the clock runs in.
    pub calendar: String,
    /// Working minutes allowed.
    pub minutes: PerSeverity<u32>,
}

/// One level of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Whom it goes to.
    pub role: Word<Role>,
    /// Working minutes that the level before has for its answer; the first level has 0.
    pub after_minutes: u32,
}

/// Who may approve some resolutions of some severities.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The resolutions.
    pub resolutions: BTreeSet<Word<Resolution>>,
    /// The severities.
    pub severities: BTreeSet<Word<Severity>>,
    /// Bands of cost in rising order; each begins above the one before, the last has no end.
    pub bands: Vec<Band>,
}

/// A band of cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Greatest cost in the band; none: there is no limit.
    pub up_to: Option<i64>,
    /// Those who approve, in order; nobody: the policy itself does.
    pub roles: Vec<Word<Role>>,
}

impl Escalation {
    /// Those who approve one resolution, in order. A severity that is not judged counts as general; a cost that is not
    /// known counts as the greatest.
    pub fn chain(&self, resolution: Resolution, severity: Severity, cost: Option<i64>) -> &[Word<Role>] {
        let severity = if severity == Severity::Unspecified { Severity::General } else { severity };
        let rule = self
            .authority
            .iter()
            .find(|rule| rule.resolutions.contains(&Word(resolution)) && rule.severities.contains(&Word(severity)));
        let bands = rule.map_or(&[][..], |rule| &rule.bands);
        let fits = |band: &&Band| band.up_to.is_none_or(|up_to| cost.is_some_and(|cost| cost <= up_to));
        bands.iter().find(fits).map_or(&[], |band| &band.roles)
    }
}
