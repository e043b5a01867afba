//! Intake against real PostgreSQL and NATS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod abuse;
mod admission;
mod canary;
mod contacts;
mod customer;
mod evidence;
mod leaks;
mod messages;
mod process;
mod quota;
mod reads;
mod submit;
mod vault;
mod world;
