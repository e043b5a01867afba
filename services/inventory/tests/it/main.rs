//! Inventory against real PostgreSQL and NATS: calls and messages in, answers and facts out.
#![allow(clippy::unwrap_used, reason = "what is not as it must be fails the test")]

mod calls;
mod lists;
mod messages;
mod process;
mod races;
mod refusals;
mod returns;
mod schema;
mod shop;
