//! Orchestrator: the process of each claim, its settlements, the entitlement ledger and the timeline.
//!
//! It is the only one who sends commands to other services; they answer with events.
//!
//! - [`claim_process`]: the whole life of a claim, pure. [`case`]: what is kept of the claim beside it.
//! - [`entitlement`]: no unit is compensated twice. [`settlement`]: money to the customer, instructed to finance.
//! - [`handle`]: the one path; [`store`]: SQL; [`events`]: the only translator; [`grpc`]: the edge.

pub mod case;
pub mod claim_process;
pub mod command;
pub mod config;
pub mod entitlement;
pub mod events;
pub mod grpc;
pub mod handle;
pub mod settlement;
pub mod store;
pub mod stored;
pub mod sums;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use proto::orchestrator::orchestrator_service_server::OrchestratorServiceServer;

/// The tables of the orchestrator.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

pub static SERVICE: chassis::Service = chassis::Service {
    name: "orchestrator",
    migrations: &MIGRATIONS,
    grants: store::GRANTS,
    own: config::OWN,
    long: &[],
    build,
};

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    build_on(ctx, claim_process::step_within)
}

/// The service on a process: ours, or one that a test puts in its place.
pub fn build_on(ctx: &chassis::Context, step: claim_process::Stepping) -> chassis::Building<'_> {
    Box::pin(async move {
        let form = config::Config::read(ctx.own())?.process.form;
        let lanes = ctx.lanes(handle::Handle { rules: handle::Rules::dated(ctx.packs()), step, form });
        ctx.in_use(store::processes::VERSIONS);
        ctx.audit(&[&store::instructions::INSTRUCTION], Some(store::instructions::DIFFERS));
        ctx.consume(&lanes, events::command);
        ctx.sweep("unanswered questions", Duration::from_secs(2), &lanes, handle::unanswered);
        ctx.sweep("customers who do not answer", Duration::from_secs(2), &lanes, handle::lapsed);
        let reads = ctx.reads();
        ctx.answer(chassis::topology::TOLD, move |asked| store::reads::told(reads.clone(), asked));
        let api = grpc::Api { lanes, reads: ctx.reads(), packs: Arc::clone(ctx.packs()) };
        Ok(ctx.routes(OrchestratorServiceServer::new(api).max_decoding_message_size(proto::REQUEST_BYTES_MAX)))
    })
}
