//! The SQL of triage, and nothing else.

mod decided;
mod load;
mod read;
mod row;
mod save;

use chassis::work;

pub use decided::DIFFERS;
pub use load::load;
pub use read::{Filter, VersionKey, assessments, items_by_name, items_of, order_versions, overdue, work_items};
pub use save::save;

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    (
        "order_line",
        "SELECT, INSERT, UPDATE (currency, customer_ref, delivered_on, discount_minor, kind, paid_minor, \
            purchased_on, quantity, recorded_at, recorded_by, repaired_on, tax_minor, unit_price_minor, version, \
            warranty_until)",
    ),
    ("order_version", "SELECT, INSERT"),
    ("assessment", "SELECT, INSERT"),
    (
        "work_item",
        "SELECT, INSERT, UPDATE (assigned_to, content, ended_at, ended_by, note, overdue, raised_at, raised_to, state, \
            version)",
    ),
    ("work_list", "SELECT"),
    ("work_change", "SELECT, INSERT"),
];

/// Every statement: a test prepares each against the migrated schema.
pub const STATEMENTS: &[&str] = &[
    load::ITEM_CLAIMS,
    load::LOCK,
    load::ENTRIES,
    load::ITEMS,
    load::LOCK_ITEMS,
    load::ORDERS_BY_NUMBER,
    load::ORDERS_BY_CUSTOMER,
    load::ORDERS_WHOLE,
    load::DEAREST,
    load::ORDERS_BY_NAME,
    load::LOCK_ORDERS,
    save::ORDERS,
    save::VERSIONS,
    save::ENTRIES,
    save::NEW_ITEMS,
    save::ITEMS,
    read::ASSESSMENTS,
    read::OPEN_ITEMS,
    read::ALL_ITEMS,
    read::CLAIM_ITEMS,
    read::VERSIONS,
    decided::DIFFERS,
    read::SHOWN,
    read::OVERDUE,
    work::rows::STATEMENTS[0],
    work::rows::STATEMENTS[1],
    work::rows::STATEMENTS[2],
    work::rows::STATEMENTS[3],
    work::rows::STATEMENTS[4],
];
