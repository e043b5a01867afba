//! Intake against real PostgreSQL and NATS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod canary;
mod customer;
mod messages;
mod process;
mod reads;
mod submit;
mod world;
