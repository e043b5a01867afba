//! Bad input at every door: each RPC and each subject gives the one right error, and leaves no trace in any table.
//!
//! The doors are found in the descriptors of the contract: a new RPC or message without a valid example in the contract
//! or `letters.rs` fails. What is wrong with a message is made from the types of its fields; the few values that look
//! wrong and are legal are listed with their reason.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad;
mod calls;
mod corpus;
mod customers;
mod dynamic;
mod frames;
mod identity;
mod injection;
mod legal;
mod letters;
mod objects;
mod people;
mod raw;
mod rpcs;
mod subjects;
mod trace;
mod transitions;
mod work;
