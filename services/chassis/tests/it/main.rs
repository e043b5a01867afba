//! The engine on real PostgreSQL and NATS, with a toy service.

mod calls;
mod messages;
mod relay;
mod toy;
