//! Walks every past of a claim: every order of everything that correct services, people and clocks may say, late,
//! repeated and crossed; and checks in each what is promised.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at; the process names everything")]

mod parcels;
mod promises;
mod stories;
mod table;
mod walk;
mod world;
