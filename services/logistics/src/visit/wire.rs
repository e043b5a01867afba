//! What the domain has, as messages of the contract.

use proto::logistics as wire;
use proto::to_wire;

use super::domain::technician::Hours;
use super::domain::{Appointment, Technician, Trip, Visit};
use super::rules::Rules;

/// A visit without its trips.
pub fn visit(visit: &Visit, rules: &Rules) -> wire::Visit {
    let kind = rules.kinds.get(&visit.wanted.kind);
    wire::Visit {
        visit_id: visit.id.to_string(),
        job: Some(visit.job.into()),
        kind: visit.wanted.kind.clone(),
        sku: visit.wanted.sku.clone(),
        quantity: visit.wanted.quantity,
        region: visit.wanted.region.clone(),
        state: visit.state.into(),
        etag: chassis::etag(visit.version),
        offers: visit.offers.iter().map(appointment).collect(),
        appointment: visit.appointment.as_ref().map(appointment),
        trips: visit.trips,
        tools: kind.map(|kind| kind.tools.clone()).unwrap_or_default(),
        checklist: kind.map(|kind| kind.checklist.clone()).unwrap_or_default(),
        ended: Vec::new(),
        reason: visit.reason.clone(),
    }
}

/// A technician at a time.
pub fn appointment(appointment: &Appointment) -> wire::Appointment {
    wire::Appointment {
        technician_id: appointment.technician.clone(),
        starts_at: Some(to_wire(appointment.starts_at)),
        ends_at: Some(to_wire(appointment.ends_at)),
    }
}

/// A trip that has ended.
pub fn trip(trip: &Trip) -> wire::Trip {
    wire::Trip {
        number: trip.number,
        appointment: Some(appointment(&trip.appointment)),
        outcome: trip.report.outcome.into(),
        failure: trip.report.failure.map_or(0, i32::from),
        work: trip.report.work.clone(),
        material: trip.report.material.clone(),
        serial_out: trip.report.serial_out.clone(),
        serial_in: trip.report.serial_in.clone(),
        reported_at: Some(to_wire(trip.reported_at)),
    }
}

/// A technician, as stored: the version is a column of its own.
pub fn stored(technician: &Technician) -> wire::Technician {
    let certificate = |(certificate, until): (&String, &jiff::civil::Date)| wire::Certificate {
        certificate: certificate.clone(),
        valid_until: until.to_string(),
    };
    wire::Technician {
        technician_id: technician.id.clone(),
        skills: technician.skills.iter().cloned().collect(),
        certificates: technician.certificates.iter().map(certificate).collect(),
        regions: technician.regions.iter().cloned().collect(),
        hours: technician.hours.iter().map(hours).collect(),
        days_off: technician.days_off.iter().map(ToString::to_string).collect(),
        left: technician.left,
        etag: String::new(),
    }
}

/// A technician, as callers see it.
pub fn technician(technician: &Technician) -> wire::Technician {
    wire::Technician { etag: chassis::etag(technician.version), ..stored(technician) }
}

fn hours(hours: &Hours) -> wire::WorkingHours {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    wire::WorkingHours {
        weekday: u32::from(hours.weekday.to_monday_one_offset().unsigned_abs()),
        begin: clock(hours.begin),
        end: clock(hours.end),
    }
}
