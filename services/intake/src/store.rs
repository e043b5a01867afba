//! SQL of intake, nothing else.

mod audit;
mod brought;
mod customers;
mod decided;
mod erasures;
mod files;
mod keys;
mod load;
mod personal;
mod read;
mod rows;
mod save;
mod sealed;

pub use audit::SOURCES;
pub use brought::brought;
pub use customers::{Counts, customer, customer_of_hold, customers_over};
pub use decided::DIFFERS;
pub use erasures::{erase_again, erasures};
pub use files::{ask_for_file, erased_files, file, files, files_over, forget_file, owned};
pub use keys::{key_samples, keys_wrapped_by, rewrapped};
pub use load::{Since, load};
pub use personal::{
    Access, Reading, ReadingOf, Unread, Word, accesses, contact, noticed, reading_of, reads_since, told_since, words,
};
pub use read::{Filter, VERSIONS, by_number, canaries, claims, customer_of, list};
pub use save::save;

/// What the role that serves may do with the tables: what these statements need and no more.
pub const GRANTS: &[chassis::Grant] = &[
    (
        "claim",
        "SELECT, INSERT, UPDATE (acknowledgement_due, address_known, contacts, duplicate_of, \
            duplicate_of_number, email_confirmed, end_reason, ended_at, first_feedback_due, follow_up_round, follow_up_score, plan, \
            plan_number, plan_state, read_back_at, read_back_by, scores, solution_due, state, version, \
            withdrawal_requested)",
    ),
    ("claim_line", "SELECT, INSERT"),
    ("evidence", "SELECT, INSERT"),
    ("question", "SELECT, INSERT, UPDATE (address_given, answered_at, closed_at, order_no)"),
    ("logged_contact", "SELECT, INSERT"),
    ("customer_word", "SELECT, INSERT"),
    ("customer_brought", "SELECT, INSERT, DELETE"),
    ("customer_key", "SELECT, INSERT, UPDATE (erased_at, erased_by, kek, reason, reference, wrapped)"),
    ("contact", "SELECT, INSERT, UPDATE (address)"),
    ("customer_decision", "SELECT"),
    ("legal_hold", "SELECT, INSERT, UPDATE (released_at, released_by)"),
    ("contact_access", "SELECT, INSERT"),
    ("evidence_file", "SELECT, INSERT"),
    ("evidence_access", "SELECT, INSERT"),
    ("evidence_forgotten", "SELECT, INSERT"),
    ("SEQUENCE claim_number", "USAGE"),
];

/// Every statement, so that a test can prepare each against the migrated schema.
pub const STATEMENTS: &[&str] = &[
    load::COUNTS_AND_RECENT,
    load::COUNTS_RECENT_AND_KEYS,
    load::READ_CLAIMS,
    load::LOCK_CLAIMS,
    rows::CLAIMS,
    rows::LINES,
    rows::EVIDENCE,
    rows::QUESTIONS,
    rows::CONTACTS,
    read::CUSTOMER_OF,
    read::BY_NUMBER,
    read::VERSIONS,
    read::ALL,
    read::OF_CUSTOMER,
    read::IN_STATE,
    read::OF_CUSTOMER_IN_STATE,
    read::THESE,
    read::OF_CHANNEL,
    read::CANARIES,
    save::INSERT_CLAIMS,
    save::UPDATE_CLAIMS,
    sealed::INSERT_CONTACTS,
    sealed::UPDATE_ADDRESSES,
    sealed::INSERT_LINES,
    sealed::INSERT_EVIDENCE,
    save::UPSERT_QUESTIONS,
    save::INSERT_CONTACTS,
    sealed::INSERT_WORDS,
    brought::LOCK,
    brought::BROUGHT,
    brought::INSERT,
    brought::FORGET,
    customers::KEYS,
    customers::LOCK_KEYS,
    customers::HOLDS,
    customers::OPEN,
    customers::OVER,
    customers::DESTROY,
    customers::UPSERT_HOLD,
    customers::CUSTOMER_OF_HOLD,
    customers::COUNTS,
    keys::LIVE,
    keys::STILL_LIVE,
    keys::INSERT,
    keys::OF_CLAIMS,
    keys::SAMPLES,
    keys::WRAPPED_BY,
    keys::REWRAP,
    personal::CONTACT,
    personal::WORDS,
    personal::IS_ERASED,
    personal::READING_OF,
    personal::NOTICED,
    personal::READS_SINCE,
    personal::TOLD_SINCE,
    personal::ACCESSES,
    personal::ACCESSES_OF_CLAIM,
    personal::ACCESSES_OF_CUSTOMER,
    files::FILES,
    files::FILE,
    files::ASK_FOR_FILE,
    files::INSERT_FILES,
    files::OWNED,
    files::ERASED,
    files::OVER,
    files::FORGET,
    audit::CONTACT_ACCESS.next,
    audit::CONTACT_ACCESS.oldest,
    audit::CONTACT_ACCESS.rows,
    audit::CONTACT_ACCESS.sealed,
    audit::EVIDENCE_ACCESS.next,
    audit::EVIDENCE_ACCESS.oldest,
    audit::EVIDENCE_ACCESS.rows,
    audit::EVIDENCE_ACCESS.sealed,
    audit::CUSTOMER_DECISION.next,
    audit::CUSTOMER_DECISION.oldest,
    audit::CUSTOMER_DECISION.rows,
    audit::CUSTOMER_DECISION.sealed,
    audit::ERASED_KEY.next,
    audit::ERASED_KEY.oldest,
    audit::ERASED_KEY.rows,
    audit::ERASED_KEY.sealed,
    decided::DIFFERS,
    erasures::ERASURES,
    erasures::ERASE_AGAIN,
];
