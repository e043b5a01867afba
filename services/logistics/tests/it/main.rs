//! Logistics on real PostgreSQL and NATS, through its contract only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calls;
mod carriers;
mod messages;
mod process;
mod talk;
mod visits;
