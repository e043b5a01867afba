//! The engine on real PostgreSQL and NATS, with a toy service.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calls;
mod messages;
mod numbers;
mod relay;
mod toy;
