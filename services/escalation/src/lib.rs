//! Escalation: every promise has a clock, every plan the approval it needs, and what waits for a person is in a list.
//! It never changes a claim by itself.
//!
//! - [`domain`]: clocks, ladders, approvals and work items of one claim; business calendars. Pure.
//! - [`handle`]: the one path of a command: load, decide, save, tell. [`store`]: the SQL.
//! - [`grpc`]: lists, and decisions of people. [`events`]: commands of the orchestrator, and what it is told.
//! - `work`: what the list of all services needs of this one. `known`: how far the calendars are known.

pub mod domain;
pub mod events;
pub mod grpc;
pub mod handle;
mod known;
pub mod store;
pub mod wire;
mod work;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use proto::escalation::escalation_service_server::EscalationServiceServer;
use proto::work::work_service_server::WorkServiceServer;

/// The schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();
/// The service.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "escalation",
    migrations: &MIGRATIONS,
    grants: store::GRANTS,
    own: chassis::settings::Own::NONE,
    long: &[],
    build,
};

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let rules = Arc::new(ctx.packs().map(|pack| domain::Rules::new(pack)));
        let provisional = Arc::new(handle::Provisional::new(&rules));
        let lanes = ctx.lanes(handle::Handle { rules, clock: ctx.clock() });
        ctx.consume(&lanes, events::command);
        ctx.sweep("due clocks", Duration::from_secs(1), &lanes, handle::due);
        ctx.task("the ends of calendars", known::run(Arc::clone(ctx.packs()), ctx.clock()));
        ctx.sweep("overdue work", Duration::from_secs(2), &lanes, handle::overdue);
        ctx.sweep("provisional deadlines", Duration::from_secs(60), &lanes, move |pool, _| {
            let provisional = Arc::clone(&provisional);
            async move { provisional.next(&pool).await }
        });
        let work = chassis::work::Calls { lanes: lanes.clone(), reads: ctx.reads(), list: work::List };
        let work = WorkServiceServer::new(work).max_decoding_message_size(proto::REQUEST_BYTES_MAX);
        let server = EscalationServiceServer::new(grpc::Api { lanes, reads: ctx.reads() });
        Ok(ctx.routes(server.max_decoding_message_size(proto::REQUEST_BYTES_MAX)).add_service(work))
    })
}
