//! Audit: a hash chain over what people decided and which personal data they read, with signed checkpoints elsewhere.
//!
//! The owner of a database can change everything in it, past triggers and rights. What he cannot do is make the past fit
//! what was signed before: `redress audit verify` recomputes the chain from the rows and compares it with the checkpoints
//! (S27).
//!
//! **What is sealed.** Rows of *sources*: the journal's rows whose actor is not a service of ours, the table of decisions of
//! which nobody is told by the journal, and what a service adds by
//! [`crate::Context::audit`] (reads of personal data, erasures, legal holds). Only columns that never change are hashed, so
//! an erasure, which destroys a key, leaves the chain valid.
//!
//! **Format.** Everything is SHA-256 over fields with their lengths before them, see [`format`]:
//! `row_hash` over source, names and values of the fields; `chain_hash` over the chain hash before, number, source, place of
//! the row, row hash and time. Number 1 follows the hash of the service's name. A source never changes its fields: a row
//! with more fields is of another source.
//!
//! **Order.** As the relay does, the sealer reads below the horizon: rows of transactions below it are all there, so rows
//! are sealed in the order of (transaction, number), and the last link of a source says how far it is sealed. There is no
//! cursor that could be wrong. Two replicas are harmless: a link's number is the primary key.
//!
//! **Checkpoints.** Every so many links, or seconds after a new one, the head of the chain is signed (Ed25519) and appended to
//! `<service>.jsonl` in a folder that the database's owner cannot write. A chain that does not have in it what was signed
//! last is never signed again: somebody has to look. What is newer than the last checkpoint can be cut unnoticed.

mod book;
pub mod checkpoint;
pub mod format;
mod gauges;
pub(crate) mod read;
mod seal;
mod sealer;
mod source;
mod verify;

pub(crate) use book::Books;
pub(crate) use sealer::Sealer;
pub use source::{DECISION, JOURNAL, Source};
pub use verify::{Finding, Kind, Summary, Verifier};

/// The statements of the audit, for the test that prepares them all.
pub(crate) fn statements() -> Vec<&'static str> {
    [seal::STATEMENTS, read::STATEMENTS, &JOURNAL.statements(), &DECISION.statements()].concat()
}
