//! Who may do a visit, and when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use proto::policy::logistics::VisitKind;

use super::{Appointment, Refusal};
use crate::visit::rules::Rules;

/// A technician.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Technician {
    /// Staff reference.
    pub id: String,
    /// Skills.
    pub skills: BTreeSet<String>,
    /// Certificates, with the last day of each.
    pub certificates: BTreeMap<String, Date>,
    /// Countries, or parts of them.
    pub regions: BTreeSet<String>,
    /// Hours; none: those of the calendar.
    pub hours: Vec<Hours>,
    /// Days off.
    pub days_off: BTreeSet<Date>,
    /// Works here no more.
    pub left: bool,
    /// Row version.
    pub version: i64,
}

/// Working hours of a day of the week, in minutes of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Day of the week.
    pub weekday: Weekday,
    /// Begin.
    pub begin: u16,
    /// End.
    pub end: u16,
}

impl Technician {
    /// Whether the technician may do such a visit there, whenever it is (S4-49).
    pub fn may(&self, kind: &VisitKind, region: &str) -> Result<(), Refusal> {
        let technician_id = self.id.clone();
        let is_there = |own: &String| own == region || region.strip_prefix(own.as_str()).is_some_and(is_part);
        if !self.regions.iter().any(is_there) {
            return Err(Refusal::OutOfRegion { technician_id, region: region.to_owned() });
        }
        match kind.skills.iter().find(|skill| !self.skills.contains(*skill)) {
            Some(skill) => Err(Refusal::SkillMissing { technician_id, skill: skill.clone() }),
            None => Ok(()),
        }
    }

    /// Whether every certificate is valid on the day (S4-49).
    pub fn is_certified(&self, kind: &VisitKind, day: Date) -> Result<(), Refusal> {
        let is_valid = |name: &String| self.certificates.get(name).is_some_and(|until| *until >= day);
        match kind.certificates.iter().find(|name| !is_valid(name)) {
            Some(name) => {
                Err(Refusal::CertificateExpired { technician_id: self.id.clone(), certificate: name.clone(), day })
            }
            None => Ok(()),
        }
    }

    /// Whether all of an appointment is working time.
    pub fn works(&self, appointment: &Appointment, rules: &Rules) -> bool {
        let zoned = appointment.starts_at.to_zoned(rules.calendar.time_zone.clone());
        let begin = u16::try_from(i32::from(zoned.hour()) * 60 + i32::from(zoned.minute())).unwrap_or(0);
        let length = appointment.starts_at.duration_until(appointment.ends_at).as_mins();
        let end = i64::from(begin) + length;
        self.spans(zoned.date(), rules).iter().any(|(from, to)| *from <= begin && end <= i64::from(*to))
    }

    /// Working time of a day, in minutes.
    pub fn spans(&self, day: Date, rules: &Rules) -> Vec<(u16, u16)> {
        let calendar = &rules.calendar;
        if self.days_off.contains(&day) || calendar.holidays.contains(&day) {
            return Vec::new();
        }
        if self.hours.is_empty() {
            return calendar.day(day).iter().map(|period| (period.from(), period.to())).collect();
        }
        let own = self.hours.iter().filter(|hours| hours.weekday == day.weekday());
        own.map(|hours| (hours.begin, hours.end)).collect()
    }
}

/// What is left of a region behind the name of a country.
fn is_part(rest: &str) -> bool {
    rest.starts_with('-')
}
