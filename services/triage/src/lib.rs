//! Triage: judges claims by the rules of the policy pack, and asks a person where the rules do not decide.
//!
//! - [`domain`]: what a claim means, what is done for it, who must be asked. Pure.
//! - [`handle`]: load, decide, save. [`store`]: the SQL. [`grpc`], [`events`]: the edges. `work`: what the list of
//!   all services needs of this one.
//!
//! It moves no goods and no money: it makes plans, and answers with exactly one of four events for each assessment.

pub mod domain;
pub mod events;
pub mod grpc;
pub mod handle;
pub mod store;
mod work;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use proto::REQUEST_BYTES_MAX;
use proto::triage::triage_service_server::TriageServiceServer;
use proto::work::work_service_server::WorkServiceServer;

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
        ctx.sweep("overdue work", Duration::from_secs(2), &lanes, handle::overdue);
        let work = chassis::work::Calls { lanes: lanes.clone(), reads: ctx.reads(), list: work::List };
        let work = WorkServiceServer::new(work).max_decoding_message_size(REQUEST_BYTES_MAX);
        let api = grpc::Api { lanes, reads: ctx.reads(), clock: ctx.clock() };
        let server = TriageServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX);
        Ok(ctx.routes(server).add_service(work))
    })
}
