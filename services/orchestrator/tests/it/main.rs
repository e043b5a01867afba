//! The orchestrator against real PostgreSQL and NATS. The tests play the other services: they publish their events and
//! look at the commands that the orchestrator journals.

mod answers;
mod binary;
mod edge;
mod journeys;
mod ledger;
mod lists;
mod schema;
mod story;
mod sweeps;
mod undo;
