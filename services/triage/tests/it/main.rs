//! Triage against real PostgreSQL and NATS.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod decisions;
mod messages;
mod orders;
mod process;
mod refusals;
mod work;
mod world;
