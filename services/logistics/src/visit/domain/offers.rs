//! The first appointments that can be offered.

use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan};

use super::{Appointment, Refusal, Technician, Visit};
use crate::visit::rules::Rules;

/// Days that are looked at.
pub const DAYS: i32 = 30;
/// Appointments that are offered.
const OFFERS: usize = 3;

/// The first free appointment of each technician on each day, until there are enough. `is_busy`: whether a technician is
/// elsewhere.
pub fn offers<'t>(
    visit: &Visit,
    technicians: impl Iterator<Item = &'t Technician> + Clone,
    is_busy: impl Fn(&Appointment) -> bool,
    (from, now): (Date, Timestamp),
    rules: &Rules,
) -> Result<Vec<Appointment>, Refusal> {
    let kind = visit.kind(rules)?;
    let able = technicians.filter(|one| !one.left && one.may(kind, &visit.wanted.region).is_ok());
    let mut found = Vec::new();
    for day in from.series(1.day()).take_while(|day| *day < from.saturating_add(Span::new().days(DAYS))) {
        let first = |technician: &Technician| {
            let fits = |appointment: &Appointment| appointment.starts_at > now && !is_busy(appointment);
            begins(technician, day, kind.minutes, rules)
                .map(|begin| Appointment::new(&technician.id, begin, kind))
                .find(fits)
        };
        let certified = able.clone().filter(|technician| technician.is_certified(kind, day).is_ok());
        found.extend(certified.filter_map(first));
        if found.len() >= OFFERS {
            break;
        }
    }
    found.sort();
    found.truncate(OFFERS);
    Ok(found)
}

/// When a visit could begin on a day, every quarter of an hour.
fn begins(technician: &Technician, day: Date, minutes: u32, rules: &Rules) -> impl Iterator<Item = Timestamp> {
    let length = u16::try_from(minutes).unwrap_or(u16::MAX);
    let begins = technician.spans(day, rules).into_iter().flat_map(move |(from, to)| {
        let last = to.checked_sub(length).filter(|last| *last >= from);
        last.into_iter().flat_map(move |last| (from.next_multiple_of(15)..=last).step_by(15))
    });
    begins.filter_map(move |minute| {
        let at = day.at(0, 0, 0, 0).checked_add(i64::from(minute).minutes()).ok()?;
        Some(at.to_zoned(rules.calendar.time_zone.clone()).ok()?.timestamp())
    })
}
