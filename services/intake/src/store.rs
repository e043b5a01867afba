//! SQL of intake, nothing else.

mod load;
mod read;
mod rows;
mod save;

pub use load::load;
pub use read::{Filter, by_number, canaries, claims, contact, list};
pub use save::save;

/// Every statement, so that a test can prepare each against the migrated schema.
pub const STATEMENTS: &[&str] = &[
    load::COUNTS,
    load::LOCK_CLAIMS,
    rows::CLAIMS,
    rows::LINES,
    rows::EVIDENCE,
    rows::QUESTIONS,
    read::BY_NUMBER,
    read::ALL,
    read::OF_CUSTOMER,
    read::IN_STATE,
    read::OF_CUSTOMER_IN_STATE,
    read::CONTACT,
    read::CANARIES,
    save::INSERT_CLAIMS,
    save::UPDATE_CLAIMS,
    save::INSERT_CONTACTS,
    save::INSERT_LINES,
    save::INSERT_EVIDENCE,
    save::UPSERT_QUESTIONS,
    save::INSERT_WORDS,
];
