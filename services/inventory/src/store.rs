//! The SQL of inventory. One statement per table and batch.

mod decided;
mod load;

use chassis::row::word;
use chassis::{Fault, Writes};
use jiff_sqlx::ToSqlx;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::domain::{Job, Place};
use crate::world::World;
use crate::{reservation, returns, stock};

pub use decided::DIFFERS;
pub use load::{Wanted, load};

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
pub fn statements() -> Vec<&'static str> {
    let shared: &[&str] = &[decided::DIFFERS, load::JOB_SKUS];
    [shared, stock::store::STATEMENTS, reservation::store::STATEMENTS, returns::store::STATEMENTS].concat()
}

/// Writes what a batch has changed. New rows are inserted and known rows are updated only as they were loaded: whoever finds
/// a row that another writer made or changed meanwhile is rolled back and tried again.
pub fn save(writes: &mut Writes, world: &World) {
    stock::store::save(writes, world);
    reservation::store::save(writes, world);
    returns::store::save(writes, world);
}

/// What a list is narrowed to.
pub struct Filter<S> {
    /// Only this claim.
    pub claim: Option<Uuid>,
    /// Only this state.
    pub state: Option<S>,
    /// Only what comes after.
    pub after: i64,
}

/// The columns that name a place.
pub(crate) fn place(row: &PgRow) -> Result<Place, Fault> {
    Ok(Place {
        sku: row.try_get("sku")?,
        batch: row.try_get("batch")?,
        warehouse: row.try_get("warehouse")?,
        zone: word(row, "zone")?,
    })
}

/// Units as the database keeps them.
pub(crate) fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Names of jobs, column by column.
#[derive(Default)]
pub(crate) struct JobColumns {
    pub claim: Vec<Uuid>,
    pub round: Vec<i32>,
    pub line: Vec<i32>,
    pub attempt: Vec<i32>,
}

impl JobColumns {
    pub fn push(&mut self, job: &Job) {
        self.claim.push(job.claim.0);
        self.round.push(signed(job.round));
        self.line.push(signed(job.line));
        self.attempt.push(signed(job.attempt));
    }

    pub fn is_empty(&self) -> bool {
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
pub(crate) struct PlaceColumns {
    pub sku: Vec<String>,
    pub batch: Vec<String>,
    pub warehouse: Vec<String>,
    pub zone: Vec<&'static str>,
}

impl PlaceColumns {
    pub fn push(&mut self, place: &Place) {
        self.sku.push(place.sku.clone());
        self.batch.push(place.batch.clone());
        self.warehouse.push(place.warehouse.clone());
        self.zone.push(place.zone.word());
    }
}

/// A point in time as the database keeps it.
pub(crate) fn instant(at: jiff::Timestamp) -> jiff_sqlx::Timestamp {
    at.to_sqlx()
}
