//! The SQL of inventory. One statement per table and batch.

mod decided;
mod load;
mod reads;
mod save;

use chassis::Fault;
use chassis::row::{count, word};
use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use proto::ClaimId;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::domain::{Command, Job, Place};

pub use decided::DIFFERS;
pub use load::load;
pub use reads::{
    Availability, Filter, StoredMovement, StoredReservation, StoredReturn, availability, movements, reservations,
    returns,
};
pub use save::save;

/// Holds that ran out are taken in portions, so that a long downtime does not lead to one huge batch.
const DUE: &str = "\
    SELECT claim_id, round, line, attempt, expires_at FROM reservation \
    WHERE expires_at <= now() + $1::text::interval ORDER BY expires_at LIMIT 500";

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    ("warehouse", "SELECT, INSERT, UPDATE (country, custodian)"),
    ("sku", "SELECT, INSERT, UPDATE (description, version)"),
    ("delivery", "SELECT, INSERT"),
    ("movement", "SELECT, INSERT"),
    ("stock", "SELECT, INSERT, UPDATE (moves, on_hand, reserved)"),
    ("reservation", "SELECT, INSERT, UPDATE (commit, expected_on, expires_at, held, state, version)"),
    ("allocation", "SELECT, INSERT, DELETE"),
    (
        "goods_return",
        "SELECT, INSERT, UPDATE (accepted, damaged, excess, missing, not_as_claimed, other_sku, state, \
            unsalable, version, wrong_item)",
    ),
    ("return_receipt", "SELECT, INSERT"),
    ("return_waiting", "SELECT, INSERT, UPDATE (damaged, wrong_item)"),
];

/// Every statement, for the test that prepares them all.
pub const STATEMENTS: &[&str] = &[
    DUE,
    decided::DIFFERS,
    load::JOB_SKUS,
    load::READ,
    load::LOCK,
    load::WAREHOUSES,
    load::DELIVERIES,
    load::STOCK,
    load::RESERVATIONS,
    load::ALLOCATIONS,
    load::RETURNS,
    load::WAITING,
    save::SKUS,
    save::SKUS_NEW,
    save::VERSIONS,
    save::UNCHANGED,
    save::WAREHOUSES,
    save::DELIVERIES,
    save::MOVEMENTS,
    save::STOCK_NEW,
    save::STOCK_CHANGED,
    save::reservations::RESERVATIONS_NEW,
    save::reservations::RESERVATIONS_CHANGED,
    save::reservations::ALLOCATIONS_GONE,
    save::reservations::ALLOCATIONS_NEW,
    save::returns::RETURNS_NEW,
    save::returns::RETURNS_CHANGED,
    save::returns::RECEIPTS,
    save::returns::WAITING,
    reads::SKU_KNOWN,
    reads::STOCK,
    reads::BACK_ORDERED,
    reads::MOVEMENTS,
    reads::RESERVATIONS,
    reads::RETURNS,
];

/// Holds that ran out, judged by the clock of the database.
pub async fn due(pool: PgPool, offset: SignedDuration) -> Result<Vec<Command>, Fault> {
    let offset = format!("{} milliseconds", offset.as_millis());
    let rows = sqlx::query(DUE).bind(offset).fetch_all(&pool).await?;
    rows.iter()
        .map(|row| {
            let expires_at: jiff_sqlx::Timestamp = row.try_get("expires_at")?;
            Ok(Command::Expire(job(row)?, expires_at.to_jiff()))
        })
        .collect()
}

/// The columns that name a job.
fn job(row: &PgRow) -> Result<Job, Fault> {
    let number = |column: &str| count(row, column);
    let claim = ClaimId(row.try_get::<Uuid, _>("claim_id")?);
    Ok(Job { claim, round: number("round")?, line: number("line")?, attempt: number("attempt")? })
}

/// The columns that name a place.
fn place(row: &PgRow) -> Result<Place, Fault> {
    Ok(Place {
        sku: row.try_get("sku")?,
        batch: row.try_get("batch")?,
        warehouse: row.try_get("warehouse")?,
        zone: word(row, "zone")?,
    })
}

/// Units as the database keeps them.
fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Names of jobs, column by column.
#[derive(Default)]
struct JobColumns {
    claim: Vec<Uuid>,
    round: Vec<i32>,
    line: Vec<i32>,
    attempt: Vec<i32>,
}

impl JobColumns {
    fn push(&mut self, job: &Job) {
        self.claim.push(job.claim.0);
        self.round.push(signed(job.round));
        self.line.push(signed(job.line));
        self.attempt.push(signed(job.attempt));
    }

    fn is_empty(&self) -> bool {
        self.claim.is_empty()
    }
}

impl<'a> FromIterator<&'a Job> for JobColumns {
    fn from_iter<I: IntoIterator<Item = &'a Job>>(jobs: I) -> Self {
        let mut columns = Self::default();
        jobs.into_iter().for_each(|job| columns.push(job));
        columns
    }
}

/// Names of places, column by column.
#[derive(Default)]
struct PlaceColumns {
    sku: Vec<String>,
    batch: Vec<String>,
    warehouse: Vec<String>,
    zone: Vec<&'static str>,
}

impl PlaceColumns {
    fn push(&mut self, place: &Place) {
        self.sku.push(place.sku.clone());
        self.batch.push(place.batch.clone());
        self.warehouse.push(place.warehouse.clone());
        self.zone.push(place.zone.word());
    }
}

/// A point in time as the database keeps it.
fn instant(at: jiff::Timestamp) -> jiff_sqlx::Timestamp {
    at.to_sqlx()
}
