//! Redress on one machine, without containers and without leaving anything behind.
//!
//! `servers` brings up a private PostgreSQL and a private NATS server for tests, benches and the
//! demo. It promises that nothing it starts outlives the process that started it, however that
//! process ends, and that two users on one machine never meet.

pub mod roles;
pub mod secrets;
pub mod servers;
#[cfg(feature = "stack")]
pub mod stack;

pub use secrets::Secrets;
pub use servers::{ServerOptions, Servers};
#[cfg(feature = "stack")]
pub use stack::{SERVICES, Stack, StackOptions};
