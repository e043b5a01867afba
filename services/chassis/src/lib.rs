//! What every service stands on. It knows no claim.
//!
//! - [`main`], [`run`]: one bootstrap for all services, from configuration to ordered shutdown.
//! - [`Lanes`]: how anything changes. Calls and messages become commands; a lane takes all that waits, in one transaction.
//! - Journal and relay: what happened is journalled in that transaction and published afterwards, at least once, in order.
//! - Consumer: messages come in by durable pull; the inbox makes their effect happen once.
//! - [`work`]: work lists, the same in every service that has one.
//! - [`Check`], [`Call`], [`Refusal`]: the edge. Bad input gets one error that names every field.
#![warn(missing_docs)]

mod admin;
pub mod audit;
pub mod auth;
mod call;
mod check;
mod clock;
mod connection;
mod consumer;
mod context;
pub mod contract;
pub mod crash;
mod database;
mod fault;
mod feed;
mod grpc;
mod housekeeping;
mod identity;
mod jitter;
mod lane;
mod limits;
mod message;
mod meta;
mod metrics;
mod monitor;
mod nats;
mod operations;
mod page;
mod pii;
mod port;
mod progress;
mod read;
mod readiness;
mod refusal;
mod relay;
pub mod row;
mod run;
mod service;
pub mod settings;
mod status;
mod supervisor;
mod sweep;
mod telemetry;
mod tls;
pub mod topology;
pub mod work;

pub use call::Call;
pub use check::Check;
pub use clock::{Clock, Unmoved, day};
pub use context::Context;
pub use database::{GRANTS, Grant, MIGRATIONS, PLANS, migrator};
pub use fault::{Fault, Malformed};
pub use jitter::jittered;
pub use lane::{Domain, Lanes, Lock, Outcome, Recent, Tx, Writes};
pub use limits::{ConcurrencyLimit, ConcurrencyPermit, Day};
pub use message::Outgoing;
pub use meta::{Actor, Bound, Meta};
pub use nats::{Ask, connect as connect_nats, provision};
pub use page::Page;
pub use pii::Pii;
pub use read::read;
pub use readiness::OwnPart;
pub use refusal::{Refusal, etag};
pub use relay::Backpressure;
pub use run::{Running, main, run, start};
pub use service::{Building, Service, migrate};
pub use settings::Settings;
pub use status::{busy, read_failed, unavailable};

/// Messages are many small values that one thread makes and another drops.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every SQL statement of this crate, for the test that prepares them against a migrated schema.
pub fn statements() -> Vec<&'static str> {
    [
        lane::STATEMENTS,
        &[lane::journal()],
        relay::statements().as_slice(),
        audit::statements().as_slice(),
        operations::STATEMENTS,
        housekeeping::STATEMENTS,
        monitor::STATEMENTS,
        database::STATEMENTS,
    ]
    .concat()
}
