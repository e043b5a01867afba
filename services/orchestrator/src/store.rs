//! The SQL of the orchestrator. Every statement takes many rows; the order of tables and rows is the same everywhere
//! (processes by claim, then ledgers by order line, then settlements, then sums), so that two replicas cannot deadlock.

pub mod instructions;
pub mod ledgers;
pub mod payments;
pub mod processes;
pub mod reads;
pub mod settlements;
pub mod sums;

use chassis::Fault;

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    (
        "process",
        "SELECT, INSERT, UPDATE (ask_again_at, ask_wait_s, changed_at, claim, due_at, end_reason, events, \
            format, parties, plan, process, round, state, version, waiting_for)",
    ),
    (
        "entitlement",
        "SELECT, INSERT, UPDATE (compensated_minor, currency, facts_minor, facts_sold, given, goods_minor, \
            held, paid_minor, replaced, sold, tax_minor, taxed_minor, version)",
    ),
    ("entitlement_entry", "SELECT, INSERT"),
    ("instruction", "SELECT, INSERT"),
    ("settlement", "SELECT, INSERT, UPDATE (confirmed_by, credit_note, decided_at, failure, reference, state)"),
    ("sums", "SELECT, INSERT, UPDATE (minor, sums, version)"),
    ("payment", "SELECT, INSERT"),
];

/// Every statement, for the test that prepares each against the migrated schema.
pub const STATEMENTS: &[&str] = &[
    processes::READ,
    processes::LOCK,
    processes::WRITE,
    processes::UNCHANGED,
    processes::ASK_AGAIN,
    processes::DUE,
    processes::VERSIONS,
    ledgers::OPEN,
    ledgers::READ,
    ledgers::LOCK,
    ledgers::WRITE,
    ledgers::UNCHANGED,
    ledgers::ENTRIES,
    settlements::CLAIMS_OF,
    settlements::READ,
    settlements::LOCK,
    settlements::WRITE,
    instructions::WRITE,
    instructions::DIFFERS,
    payments::READ,
    payments::WRITE,
    sums::READ,
    sums::LOCK,
    sums::WRITE,
    reads::PROCESS,
    reads::CUSTOMER,
    reads::BROUGHT,
    reads::OLDEST,
    reads::NEWEST,
    reads::OLDEST_OPEN,
    reads::NEWEST_OPEN,
    reads::OLDEST_OF,
    reads::NEWEST_OF,
    reads::TIMELINE,
    reads::SETTLEMENTS,
    reads::TOLD,
    reads::ENTITLEMENT,
];

/// A number for a column; what is out of range can never be stored.
fn int(number: u32) -> Result<i32, Fault> {
    i32::try_from(number).map_err(|_| Fault::Permanent(format!("{number} does not fit the database")))
}

/// A number of a column that a CHECK keeps from being negative.
fn count(number: i32) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_| Fault::Permanent(format!("{number} is not a count")))
}
