//! The SQL of triage, and nothing else.

mod load;
mod read;
mod row;
mod save;

pub use load::load;
pub use read::{Filter, assessments, work_items};
pub use save::save;

/// Every statement: a test prepares each against the migrated schema.
pub const STATEMENTS: &[&str] = &[
    load::ITEM_CLAIMS,
    load::LOCK,
    load::ENTRIES,
    load::ITEMS,
    load::ORDERS_BY_NUMBER,
    load::ORDERS_BY_CUSTOMER,
    save::ORDERS,
    save::ENTRIES,
    save::ITEMS,
    read::ASSESSMENTS,
    read::OPEN_ITEMS,
    read::ALL_ITEMS,
];
