//! What a technician and a report may be.

use std::collections::BTreeSet;

use chassis::Check;
use jiff::civil::Weekday;
use proto::logistics::{ReportVisitRequest, Technician as WireTechnician, WorkingHours};

use super::domain::technician::Hours;
use super::domain::{Report, Technician, VisitOutcome};

/// Reads a technician; names every bad field under `field`.
pub(super) fn technician(check: &mut Check, field: &str, wire: &WireTechnician) -> Technician {
    let path = |name: &str| format!("{field}.{name}");
    check.count(&path("skills"), wire.skills.len(), 0..=50);
    check.count(&path("certificates"), wire.certificates.len(), 0..=50);
    check.count(&path("regions"), wire.regions.len(), 1..=50);
    check.count(&path("hours"), wire.hours.len(), 0..=21);
    check.count(&path("days_off"), wire.days_off.len(), 0..=366);
    let mut technician = Technician {
        id: check.token(&path("technician_id"), &wire.technician_id, 1..=64),
        left: wire.left,
        ..Technician::default()
    };
    check.text(&path("etag"), &wire.etag, 0..=64);
    for (at, skill) in wire.skills.iter().enumerate() {
        technician.skills.insert(check.token(&path(&format!("skills[{at}]")), skill, 1..=40));
    }
    for (at, own) in wire.certificates.iter().enumerate() {
        let path = |name: &str| path(&format!("certificates[{at}].{name}"));
        let name = check.token(&path("certificate"), &own.certificate, 1..=40);
        if own.valid_until.is_empty() {
            check.add(&path("valid_until"), "must be given");
        }
        let until = check.date(&path("valid_until"), &own.valid_until);
        if let Some(until) = until
            && technician.certificates.insert(name, until).is_some()
        {
            check.add(&path("certificate"), "is there twice");
        }
    }
    for (at, region) in wire.regions.iter().enumerate() {
        if !is_region(region) {
            check.add(&path(&format!("regions[{at}]")), "must be a country, as GB, or a part of one, as GB-LND");
        }
        technician.regions.insert(region.clone());
    }
    for (at, own) in wire.hours.iter().enumerate() {
        technician.hours.extend(hours(check, &path(&format!("hours[{at}]")), own));
    }
    for (at, day) in wire.days_off.iter().enumerate() {
        if day.is_empty() {
            check.add(&path(&format!("days_off[{at}]")), "must be given");
        }
        technician.days_off.extend(check.date(&path(&format!("days_off[{at}]")), day));
    }
    technician
}

/// A country, or a country and a part of it.
pub(super) fn is_region(text: &str) -> bool {
    let (country, part) = text.split_at_checked(2).unwrap_or((text, ""));
    let is_part = part.is_empty() || part.strip_prefix('-').is_some_and(|part| !part.is_empty());
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    is_country && is_part && text.len() <= 20 && part.bytes().all(fits)
}

fn hours(check: &mut Check, field: &str, wire: &WorkingHours) -> Option<Hours> {
    let path = |name: &str| format!("{field}.{name}");
    let weekday = i8::try_from(check.number(&path("weekday"), wire.weekday, 1..=7)).ok()?;
    let (begin, end) = (minute(&wire.begin), minute(&wire.end));
    for (name, minute) in [("begin", begin), ("end", end)] {
        if minute.is_none() {
            check.add(&path(name), "must be a time of the day, as 09:30");
        }
    }
    let (begin, end) = (begin?, end?);
    if begin >= end {
        check.add(&path("end"), "must be after the begin");
    }
    Some(Hours { weekday: Weekday::from_monday_one_offset(weekday).ok()?, begin, end })
}

/// Minutes since midnight; `None`: no time of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Reads a report: what goes with each outcome, and nothing else.
pub(super) fn report(check: &mut Check, body: &ReportVisitRequest) -> Report {
    let outcome: VisitOutcome = check.choice("outcome", body.outcome);
    let said = VisitOutcome::try_from(body.outcome).is_ok();
    let failure = check.optional_choice("failure", body.failure);
    let is = |of| said && outcome == of;
    if failure.is_none() && is(VisitOutcome::Failed) && body.failure == 0 {
        check.add("failure", "must be given with FAILED");
    }
    if failure.is_some() && said && !is(VisitOutcome::Failed) {
        check.add("failure", "goes with FAILED only");
    }
    if is(VisitOutcome::Done) {
        for (field, given) in [("works", body.works), ("instructed", body.instructed), ("work", !body.work.is_empty())]
        {
            if !given {
                check.add(field, "is required with DONE");
            }
        }
    }
    Report {
        outcome,
        failure,
        work: check.remark("work", &body.work, 0..=500),
        material: check.remark("material", &body.material, 0..=200),
        serial_out: check.code("serial_out", &body.serial_out, 0..=64),
        serial_in: check.code("serial_in", &body.serial_in, 0..=64),
    }
}

/// Whether a name is there twice.
pub(super) fn repeated<'n>(names: impl Iterator<Item = &'n String>) -> Option<usize> {
    let mut seen = BTreeSet::new();
    names.enumerate().find(|(_, name)| !seen.insert(*name)).map(|(at, _)| at)
}
