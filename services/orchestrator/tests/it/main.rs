//! The orchestrator against real PostgreSQL and NATS. The tests play the other services: they publish their events and
//! look at the commands that the orchestrator journals.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and makes ids of its own")]

mod answers;
mod basis;
mod binary;
mod edge;
mod feed;
mod journeys;
mod ledger;
mod limits;
mod lists;
mod promises;
mod schema;
mod story;
mod sweeps;
mod undo;
