//! The contract: what the services and their users agree on.
//!
//! - The generated messages, clients and servers of `redress/**/*.proto`, one module per package.
//! - [`ids`]: identifiers as types. [`subject`]: every NATS subject, built and parsed here and nowhere else.
//! - [`calendar`]: business calendars, the same arithmetic for promises and for clocks.
//! - [`codes`]: order numbers, SKUs and customer references as people type them.
//! - [`promise`]: when a promise is due, the same for who makes it and for who watches it.
//! - [`canary`]: the mark of claims that the service makes itself.
//! - [`currency`]: which codes are money, and how many digits their amounts have.
//! - [`policy`]: the policy pack, the data behind every rule that a source leaves open.
//! - [`Job`]: the name of a piece of work, the same in every service.
//! - [`Word`]: the spelling of what is enumerated. [`method`]: which request goes where.
//! - [`legs`]: which pieces of work a resolution takes.
//! - [`share`]: what a part of the units of an order line is worth.
//!
//! It knows no database, no broker and no clock.
#![warn(missing_docs)]

pub mod calendar;
pub mod canary;
pub mod codes;
pub mod currency;
pub mod customer;
pub mod ids;
pub mod job;
pub mod legs;
pub mod method;
mod personal;
pub mod policy;
pub mod promise;
pub mod share;
mod state;
pub mod subject;
mod time;
mod word;

pub use ids::{ClaimId, SettlementId, ShipmentId};
pub use job::Job;
pub use pbjson_types::Timestamp as WireTime;
pub use subject::Subject;
pub use time::{from_wire, to_wire};
pub use word::{Enumeration, Word};

/// Size limit of a gRPC request in bytes: checked before anything is stored.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Size limit of an event in bytes: checked before commit, so that what is accepted can always be published.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

/// The services that have a work list: each serves `redress.work.v1.WorkService`.
pub const WORK_LISTS: [&str; 2] = ["triage", "escalation"];

/// Descriptor set of every package, for reflection and for tests that iterate the contract.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/redress.bin"));
/// The same without comments, for what is kept in memory.
pub const BARE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bare.bin"));

macro_rules! package {
    ($(#[$doc:meta])* $name:ident, $package:literal) => {
        $(#[$doc])*
        pub mod $name {
            pub use v1::*;

            /// Version 1, which never breaks.
            #[allow(missing_docs, clippy::all, clippy::unwrap_used)]
            pub mod v1 {
                tonic::include_proto!($package);
                include!(concat!(env!("OUT_DIR"), "/", $package, ".serde.rs"));
                include!(concat!(env!("OUT_DIR"), "/", $package, ".words.rs"));
            }
        }
    };
}

package!(
    /// Who may call a method.
    access, "redress.access.v1"
);
package!(
    /// The words every service shares, and the public streams.
    claim, "redress.claim.v1"
);
package!(
    /// Intake: the first report, the customer's answers, contact data.
    intake, "redress.intake.v1"
);
package!(
    /// Triage: assessments, plans, work items of those who judge.
    triage, "redress.triage.v1"
);
package!(
    /// Inventory: stock, reservations, returns.
    inventory, "redress.inventory.v1"
);
package!(
    /// Logistics: shipments and pick-ups.
    logistics, "redress.logistics.v1"
);
package!(
    /// Escalation: clocks, approvals, work lists.
    escalation, "redress.escalation.v1"
);
package!(
    /// Orchestrator: processes, settlements, timeline.
    orchestrator, "redress.orchestrator.v1"
);
package!(
    /// Operations: parked messages, in every service.
    operations, "redress.operations.v1"
);
package!(
    /// Work lists, in every service that has one.
    work, "redress.work.v1"
);
package!(
    /// How messages between services travel when several leave together.
    delivery, "redress.delivery.v1"
);
