//! The escalation service against real PostgreSQL and NATS.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and makes ids of its own")]

mod approvals;
mod clocks;
mod edge;
mod messages;
mod process;
mod provisional;
mod work;
mod world;
