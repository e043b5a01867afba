//! Rows and words of the table.

use chassis::Fault;
use jiff_sqlx::{Date, Timestamp};
use proto::{ClaimId, ShipmentId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::domain::{Booking, Direction, Key, Mode, Parcel, Reason, Shipment, Status};

const STATUSES: [(Status, &str); 11] = [
    (Status::Booked, "booked"),
    (Status::Packed, "packed"),
    (Status::HandedOver, "handed_over"),
    (Status::InTransit, "in_transit"),
    (Status::Delayed, "delayed"),
    (Status::Delivered, "delivered"),
    (Status::Damaged, "damaged"),
    (Status::Lost, "lost"),
    (Status::Refused, "refused"),
    (Status::Cancelled, "cancelled"),
    (Status::NotServed, "not_served"),
];

/// The word of a state.
pub fn status_text(status: Status) -> &'static str {
    STATUSES.iter().find(|(known, _)| *known == status).map_or("", |(_, text)| text)
}

/// The state of a word.
pub(super) fn status(text: &str) -> Result<Status, Fault> {
    let found = STATUSES.iter().find(|(_, known)| *known == text);
    found.map(|(status, _)| *status).ok_or_else(|| unknown("state", text))
}

const REASONS: [(Reason, &str); 12] = [
    (Reason::DeliveryAttempted, "delivery_attempted"),
    (Reason::HeldForCollection, "held_for_collection"),
    (Reason::CustomsHold, "customs_hold"),
    (Reason::ReturningToSender, "returning_to_sender"),
    (Reason::ReturnedToSender, "returned_to_sender"),
    (Reason::NotCollected, "not_collected"),
    (Reason::DeliveredDamaged, "delivered_damaged"),
    (Reason::DeliveredIncomplete, "delivered_incomplete"),
    (Reason::Destroyed, "destroyed"),
    (Reason::PickupNobodyThere, "pickup_nobody_there"),
    (Reason::PickupNotReady, "pickup_not_ready"),
    (Reason::Overdue, "overdue"),
];

/// The word of a reason.
pub(super) fn reason_text(reason: Reason) -> &'static str {
    REASONS.iter().find(|(known, _)| *known == reason).map_or("", |(_, text)| text)
}

/// The reason in a row.
pub(super) fn reason(row: &PgRow) -> Result<Option<Reason>, Fault> {
    let Some(text) = row.try_get::<Option<String>, _>("reason")? else { return Ok(None) };
    let found = REASONS.iter().find(|(_, known)| *known == text);
    found.map(|(reason, _)| Some(*reason)).ok_or_else(|| unknown("reason", &text))
}

/// A day in a row.
pub(super) fn day(row: &PgRow, column: &str) -> Result<Option<jiff::civil::Date>, Fault> {
    Ok(row.try_get::<Option<Date>, _>(column)?.map(|day| day.to_jiff()))
}

/// The word of a direction.
pub fn direction_text(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "outbound",
        Direction::Return => "return",
    }
}

/// The word of a mode.
pub(super) fn mode_text(mode: Mode) -> &'static str {
    match mode {
        Mode::Express => "express",
        Mode::FreightLine => "freight_line",
        Mode::DedicatedVehicle => "dedicated_vehicle",
    }
}

fn direction(text: &str) -> Result<Direction, Fault> {
    match text {
        "outbound" => Ok(Direction::Outbound),
        "return" => Ok(Direction::Return),
        _ => Err(unknown("direction", text)),
    }
}

fn mode(text: &str) -> Result<Mode, Fault> {
    match text {
        "express" => Ok(Mode::Express),
        "freight_line" => Ok(Mode::FreightLine),
        "dedicated_vehicle" => Ok(Mode::DedicatedVehicle),
        _ => Err(unknown("mode", text)),
    }
}

/// Trying again does not help: the row is not ours.
fn unknown(column: &str, text: &str) -> Fault {
    Fault::Permanent(format!("{text:?} is not a {column}"))
}

/// Reads a row of the table.
pub(super) fn shipment(row: &PgRow) -> Result<Shipment, Fault> {
    let number = |column: &str| -> Result<u32, Fault> { Ok(row.try_get::<i32, _>(column)?.cast_unsigned()) };
    let key = Key {
        claim: ClaimId(row.try_get::<Uuid, _>("claim_id")?),
        direction: direction(row.try_get("direction")?)?,
        round: number("round")?,
        line: number("line")?,
        attempt: number("attempt")?,
    };
    Ok(Shipment {
        id: ShipmentId(row.try_get::<Uuid, _>("shipment_id")?),
        key,
        status: status(row.try_get("state")?)?,
        reason: reason(row)?,
        carrier_no: row.try_get("carrier_tracking_no")?,
        held_until: day(row, "held_until")?,
        expected_on: day(row, "expected_on")?,
        overdue: row.try_get("overdue")?,
        booking: booking(row)?,
        moved_at: row.try_get::<Option<Timestamp>, _>("moved_at")?.map(|at| at.to_jiff()),
        version: row.try_get("version")?,
    })
}

fn booking(row: &PgRow) -> Result<Option<Booking>, Fault> {
    let Some(tracking_no) = row.try_get::<Option<String>, _>("tracking_no")? else { return Ok(None) };
    let parcel = Parcel {
        sku: row.try_get("sku")?,
        quantity: u32::try_from(row.try_get::<i64, _>("quantity")?).unwrap_or(u32::MAX),
        country: row.try_get("country")?,
        urgent: false,
    };
    Ok(Some(Booking {
        parcel,
        carrier: row.try_get("carrier")?,
        mode: mode(row.try_get("mode")?)?,
        tracking_no,
        cost_minor: row.try_get("cost_minor")?,
        currency: row.try_get("currency")?,
        promised_on: row.try_get::<Date, _>("promised_on")?.to_jiff(),
    }))
}
