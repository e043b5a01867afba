//! Rows of the table.

use chassis::{Fault, row};
use jiff_sqlx::Date;
use proto::ShipmentId;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::super::domain::{Booking, Key, Parcel, Shipment, Status};

/// Where a parcel is.
pub(super) fn status(row: &PgRow) -> Result<Status, Fault> {
    let text = row.try_get("state")?;
    Status::from_word(text).ok_or_else(|| Fault::Permanent(format!("{text:?} is no state of a parcel")))
}

/// Reads a row of the table.
pub(super) fn shipment(row: &PgRow) -> Result<Shipment, Fault> {
    let job = row::job(row)?;
    let key = Key { job, direction: row::word(row, "direction")? };
    Ok(Shipment {
        id: ShipmentId(row.try_get::<Uuid, _>("shipment_id")?),
        key,
        status: status(row)?,
        reason: row::optional_word(row, "reason")?,
        carrier_no: row.try_get("carrier_tracking_no")?,
        held_until: row::optional_day(row, "held_until")?,
        expected_on: row::optional_day(row, "expected_on")?,
        overdue: row.try_get("overdue")?,
        booking: booking(row)?,
        moved_at: row::optional_time(row, "moved_at")?,
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
        mode: row::word(row, "mode")?,
        tracking_no,
        cost_minor: row.try_get("cost_minor")?,
        currency: row.try_get("currency")?,
        promised_on: row.try_get::<Date, _>("promised_on")?.to_jiff(),
    }))
}
