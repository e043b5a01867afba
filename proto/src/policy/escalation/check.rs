//! What a pack must hold to be used: calendars that work, clocks that rise to somebody, a matrix without a hole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::super::Problems;
use super::super::triage::{PerSeverity, Word};
use super::{Authority, Calendar, ClockKind, DAYS_MAX, Escalation, Level, Period, Target, WorkKind};
use crate::claim::{Resolution, Role, Severity};

/// Greatest amount, in minor units.
const MONEY_MAX: i64 = 10_000_000_000_000;
/// Longest target and longest wait of a ladder, in working minutes: a year.
const MINUTES_MAX: u32 = 366 * 24 * 60;
/// Longest time until a work item is due, in working hours.
const HOURS_MAX: u32 = 720;
/// Most levels of a ladder, and most steps of an approval.
const STEPS_MAX: usize = 7;

const SEVERITIES: [Severity; 4] = [Severity::Minor, Severity::General, Severity::Serious, Severity::Urgent];

impl Escalation {
    pub(in super::super) fn check(&self, problems: &mut Problems, effective_from: Date) {
        problems.require(!self.calendars.is_empty(), "escalation.calendars", "there must be a calendar");
        for (name, calendar) in &self.calendars {
            let path = format!("escalation.calendars.{name}");
            calendar.check(problems, &path);
            problems.require(
                calendar.known_until > effective_from,
                format!("{path}.known_until"),
                "must be after effective_from: nothing could be reckoned",
            );
        }
        self.named(problems, "escalation.calendar", &self.calendar);
        let absent = self.absent_roles.contains(&Word(Role::Management));
        problems.require(!absent, "escalation.absent_roles", "management takes the place of others: it is there");
        for kind in ClockKind::ALL {
            let path = format!("escalation.clocks.{}", kind.word());
            match self.clocks.get(kind) {
                Some(target) => {
                    self.named(problems, &format!("{path}.calendar"), &target.calendar);
                    target.check(problems, &format!("{path}.minutes"));
                }
                None => problems.add(path, "must be given"),
            }
        }
        for (name, ladder) in each(&self.ladder) {
            check_ladder(problems, &format!("escalation.ladder.{name}"), ladder);
        }
        for kind in WorkKind::ALL {
            let path = format!("escalation.due_hours.{}", kind.word());
            let hours = self.due_hours.get(kind).copied().unwrap_or(0);
            problems.require((1..=HOURS_MAX).contains(&hours), path, "must be 1 to 720 working hours");
        }
        self.check_authority(problems);
    }

    fn named(&self, problems: &mut Problems, path: &str, name: &str) {
        problems.require(self.calendars.contains_key(name), path, format!("there is no calendar `{name}`"));
    }

    /// Every resolution with every severity is in exactly one rule.
    fn check_authority(&self, problems: &mut Problems) {
        let mut seen = BTreeMap::new();
        for (at, rule) in self.authority.iter().enumerate() {
            let path = format!("escalation.authority[{at}]");
            rule.check(problems, &path);
            for resolution in &rule.resolutions {
                for severity in &rule.severities {
                    if let Some(before) = seen.insert((*resolution, *severity), at) {
                        let why = format!("{resolution} with {severity} is in authority[{before}] already");
                        problems.add(format!("{path}.resolutions"), why);
                    }
                }
            }
        }
        for resolution in (1..).map_while(|number| Resolution::try_from(number).ok()).map(Word) {
            let missing: Vec<_> = SEVERITIES
                .map(Word)
                .into_iter()
                .filter(|severity| !seen.contains_key(&(resolution, *severity)))
                .collect();
            for severity in missing {
                problems.add("escalation.authority", format!("there is no rule for {resolution} with {severity}"));
            }
        }
    }
}

impl Calendar {
    fn check(&self, problems: &mut Problems, path: &str) {
        let week = [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ];
        let works = week.iter().any(|(_, periods)| !periods.is_empty());
        problems.require(works, path, "no weekday has a working period");
        for (day, periods) in week {
            check_periods(problems, &format!("{path}.{day}"), periods);
        }
        for (date, periods) in &self.special {
            let path = format!("{path}.special.{date}");
            problems.require(!periods.is_empty(), path.as_str(), "has no working period: it belongs to the holidays");
            problems.require(!self.holidays.contains(date), path.as_str(), "is a holiday as well");
            check_periods(problems, &path, periods);
        }
        let last = self.holidays.last().into_iter().chain(self.special.keys().next_back()).max();
        problems.require(
            last.is_none_or(|last| *last <= self.known_until),
            format!("{path}.known_until"),
            "must not be before the last holiday or special day",
        );
        let days = self.holidays.len() + self.special.len();
        problems.require(days <= DAYS_MAX, path, "must have at most 2,000 holidays and special days");
    }
}

fn check_periods(problems: &mut Problems, path: &str, periods: &[Period]) {
    for (at, pair) in periods.windows(2).enumerate() {
        let (before, period) = (pair[0], pair[1]);
        let path = format!("{path}[{}]", at + 1);
        if period.from() < before.from() {
            problems.add(path, format!("{period} must not come before {before}: periods are in rising order"));
        } else if period.from() < before.to() {
            problems.add(path, format!("{period} overlaps {before}"));
        } else if period.from() == before.to() {
            problems.add(path, format!("{period} goes on where {before} ends: write one period"));
        }
    }
}

impl Target {
    fn check(&self, problems: &mut Problems, path: &str) {
        for (severity, minutes) in each(&self.minutes) {
            let fits = (1..=MINUTES_MAX).contains(minutes);
            problems.require(fits, format!("{path}.{severity}"), "must be 1 to 527,040 working minutes");
        }
        let rising = each(&self.minutes).map(|(_, minutes)| *minutes);
        let holds = rising.is_sorted_by(|milder, worse| milder >= worse);
        problems.require(holds, path, "what is worse must not have more time");
    }
}

fn check_ladder(problems: &mut Problems, path: &str, ladder: &[Level]) {
    let fits = (1..=STEPS_MAX).contains(&ladder.len());
    problems.require(fits, path, "must have 1 to 7 levels");
    for (at, level) in ladder.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let minutes = level.after_minutes;
        if at == 0 {
            let why = "the first level is raised with the breach: it has 0";
            problems.require(minutes == 0, format!("{path}.after_minutes"), why);
        } else {
            let fits = (1..=MINUTES_MAX).contains(&minutes);
            problems.require(fits, format!("{path}.after_minutes"), "must be 1 to 527,040 working minutes");
            let same = ladder[at - 1].role == level.role;
            problems.require(!same, format!("{path}.role"), "is the role of the level before");
        }
    }
}

impl Authority {
    fn check(&self, problems: &mut Problems, path: &str) {
        problems.require(!self.resolutions.is_empty(), format!("{path}.resolutions"), "must name a resolution");
        problems.require(!self.severities.is_empty(), format!("{path}.severities"), "must name a severity");
        problems.require(!self.bands.is_empty(), format!("{path}.bands"), "must have a band");
        let mut before = -1;
        for (at, band) in self.bands.iter().enumerate() {
            let path = format!("{path}.bands[{at}]");
            let last = at + 1 == self.bands.len();
            match band.up_to {
                None if !last => {
                    problems.add(path.as_str(), "only the last band has no end: the bands after it overlap")
                }
                Some(_) if last => {
                    problems.add(format!("{path}.up_to"), "the last band must have no end: there is a gap above it")
                }
                Some(up_to) if up_to <= before => {
                    problems.add(format!("{path}.up_to"), "must be above the band before: bands do not overlap");
                }
                Some(up_to) if up_to > MONEY_MAX => {
                    problems.add(format!("{path}.up_to"), "must be an amount from 0 to 10^13 minor units");
                }
                Some(up_to) => before = up_to,
                None => {}
            }
            let distinct: BTreeSet<_> = band.roles.iter().collect();
            problems.require(distinct.len() == band.roles.len(), format!("{path}.roles"), "names a role twice");
        }
    }
}

fn each<V>(of: &PerSeverity<V>) -> [(&'static str, &V); 4] {
    [("minor", &of.minor), ("general", &of.general), ("serious", &of.serious), ("urgent", &of.urgent)]
}
