//! Technicians and their visits to customers (S4-49..52, S4-54).
//!
//! - [`domain`]: the rules, pure; `domain/technician.rs`: who may do a visit, and when.
//! - [`decide`]: what a command comes to. [`world`]: what a batch looks at and changes. [`store`]: the SQL.
//! - [`calls`]: requests, read and looked up. [`events`]: messages. [`wire`]: the domain as messages.

pub mod calls;
mod check;
pub mod decide;
pub mod domain;
pub mod events;
pub mod rules;
pub mod store;
pub mod wire;
pub mod world;
