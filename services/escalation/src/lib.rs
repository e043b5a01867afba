//! Escalation: every promise has a clock, every plan the approval it needs, and what waits for a person is in a list.
//! It never changes a claim by itself.
//!
//! - [`domain`]: clocks, ladders, approvals and work items of one claim; business calendars. Pure.
//! - [`handle`]: the one path of a command: load, decide, save, tell. [`store`]: the SQL.
//! - [`grpc`]: lists, and decisions of people. [`events`]: commands of the orchestrator, and what it is told.

pub mod domain;





