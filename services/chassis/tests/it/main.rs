//! The engine on real PostgreSQL and NATS, with a toy service.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod abuse;
mod audit;
mod auth;
mod batches;
mod calls;
mod connections;
mod decisions;
mod guards;
mod links;
mod liveness;
mod messages;
mod numbers;
mod permissions;
mod relay;
mod relay_broker;
mod relay_guard;
mod relay_home;
mod relay_lease;
mod relay_loss;
mod relay_pace;
mod relay_past;
mod rights;
mod stand;
mod subscribers;
mod tls;
mod toy;
mod writes;
