//! Rows of the tables.

use chassis::{Check, Fault, row};
use prost::Message;
use proto::logistics::{Technician as WireTechnician, VisitProposed};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::visit::check;
use crate::visit::domain::{Appointment, Report, Technician, Trip, Visit, Wanted};
use crate::visit::wire;

/// What was offered, as a message of the contract has it.
pub(super) fn offers(visit: &Visit) -> Vec<u8> {
    let offers = visit.offers.iter().map(wire::appointment).collect();
    VisitProposed { offers, ..VisitProposed::default() }.encode_to_vec()
}

/// A visit.
pub(super) fn visit(row: &PgRow) -> Result<Visit, Fault> {
    let number = |column: &str| row::count(row, column);
    let job = row::job(row)?;
    let wanted = Wanted {
        kind: row.try_get("kind")?,
        sku: row.try_get("sku")?,
        quantity: u32::try_from(row.try_get::<i64, _>("quantity")?).unwrap_or(u32::MAX),
        region: row.try_get("region")?,
    };
    let offered = VisitProposed::decode(row.try_get::<&[u8], _>("offers")?).map_err(unread)?.offers;
    let has_technician = row.try_get::<Option<&str>, _>("technician_id")?.is_some();
    Ok(Visit {
        id: row.try_get("visit_id")?,
        job,
        wanted,
        state: row::word(row, "state")?,
        offers: offered.iter().map(offer).collect::<Result<_, _>>()?,
        appointment: has_technician.then(|| appointment(row)).transpose()?,
        trips: number("trips")?,
        reason: row.try_get("reason")?,
        version: row.try_get("version")?,
    })
}

fn offer(wire: &proto::logistics::Appointment) -> Result<Appointment, Fault> {
    let time =
        |at: Option<&proto::WireTime>| at.and_then(proto::from_wire).ok_or_else(|| unread("an offer has no time"));
    Ok(Appointment {
        starts_at: time(wire.starts_at.as_ref())?,
        ends_at: time(wire.ends_at.as_ref())?,
        technician: wire.technician_id.clone(),
    })
}

fn appointment(row: &PgRow) -> Result<Appointment, Fault> {
    Ok(Appointment {
        starts_at: row::time(row, "starts_at")?,
        ends_at: row::time(row, "ends_at")?,
        technician: row.try_get("technician_id")?,
    })
}

/// A trip that has ended.
pub(super) fn trip(row: &PgRow) -> Result<Trip, Fault> {
    let report = Report {
        outcome: row::word(row, "outcome")?,
        failure: row::optional_word(row, "failure")?,
        work: row.try_get("work")?,
        material: row.try_get("material")?,
        serial_out: row.try_get("serial_out")?,
        serial_in: row.try_get("serial_in")?,
    };
    let (number, reported_at) = (row::count(row, "number")?, row::time(row, "reported_at")?);
    Ok(Trip { number, appointment: appointment(row)?, report, reported_at })
}

/// A technician.
pub(super) fn technician(row: &PgRow) -> Result<Technician, Fault> {
    let wire = WireTechnician::decode(row.try_get::<&[u8], _>("record")?).map_err(unread)?;
    let version = row.try_get("version")?;
    Ok(Technician { version, ..check::technician(&mut Check::new(), "record", &wire) })
}

fn unread(why: impl std::fmt::Display) -> Fault {
    Fault::Permanent(format!("a stored message cannot be read: {why}"))
}
