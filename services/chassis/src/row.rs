//! What a row has, as the domain needs it. A value that the domain does not know is a fault that trying again does not mend.

use jiff::Timestamp;
use jiff::civil::Date;
use proto::{ClaimId, Job, Word};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::Fault;

/// A word of the contract.
pub fn word<W: Word>(row: &PgRow, column: &str) -> Result<W, Fault> {
    read(column, row.try_get(column)?)
}

/// A word of the contract, or none.
pub fn optional_word<W: Word>(row: &PgRow, column: &str) -> Result<Option<W>, Fault> {
    row.try_get::<Option<&str>, _>(column)?.map(|text| read(column, text)).transpose()
}

fn read<W: Word>(column: &str, text: &str) -> Result<W, Fault> {
    W::from_word(text).ok_or_else(|| Fault::Permanent(format!("{column} is {text:?}, which is no {}", W::WHAT)))
}

/// A number that is never negative.
pub fn count(row: &PgRow, column: &str) -> Result<u32, Fault> {
    let number: i32 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| Fault::Permanent(format!("{column} is {number}, and is never negative")))
}

/// The name of a piece of work, by the four columns that every table has it in.
pub fn job(row: &PgRow) -> Result<Job, Fault> {
    let claim = ClaimId(row.try_get("claim_id")?);
    Ok(Job { claim, round: count(row, "round")?, line: count(row, "line")?, attempt: count(row, "attempt")? })
}

/// A time.
pub fn time(row: &PgRow, column: &str) -> Result<Timestamp, Fault> {
    Ok(row.try_get::<jiff_sqlx::Timestamp, _>(column)?.to_jiff())
}

/// A time, or none.
pub fn optional_time(row: &PgRow, column: &str) -> Result<Option<Timestamp>, Fault> {
    Ok(row.try_get::<Option<jiff_sqlx::Timestamp>, _>(column)?.map(|at| at.to_jiff()))
}

/// A day, or none.
pub fn optional_day(row: &PgRow, column: &str) -> Result<Option<Date>, Fault> {
    Ok(row.try_get::<Option<jiff_sqlx::Date>, _>(column)?.map(|day| day.to_jiff()))
}
