//! The escalation service against real PostgreSQL and NATS.

mod approvals;
mod clocks;
mod edge;
mod messages;
mod process;
mod world;
