//! Triage: judges claims by the rules of the policy pack, and asks a person where the rules do not decide.
//!
//! - [`domain`]: what a claim means, what is done for it, who must be asked. Pure.
//! - [`handle`]: load, decide, save. [`store`]: the SQL. [`grpc`], [`events`]: the edges.
//!
//! It moves no goods and no money: it makes plans, and answers with exactly one of four events for each assessment.

pub mod domain;
pub mod events;
pub mod grpc;
pub mod handle;
pub mod store;
pub mod world;

use std::sync::Arc;

use proto::REQUEST_BYTES_MAX;
use proto::triage::triage_service_server::TriageServiceServer;

/// The schema of triage.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();
/// The service.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "triage",
    migrations: &MIGRATIONS,
    grants: store::GRANTS,
    own: chassis::settings::Own::NONE,
    long: &[],
    build,
};

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let lanes = ctx.lanes(handle::Handle { packs: Arc::clone(ctx.packs()) });
        ctx.audit(&[], Some(store::DIFFERS));
        ctx.consume(&lanes, events::command);
        let api = grpc::Api { lanes, reads: ctx.reads(), clock: ctx.clock() };
        Ok(ctx.routes(TriageServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX)))
    })
}
