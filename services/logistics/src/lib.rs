//! Logistics: parcels to and from customers. It does not decide who pays.
//!
//! - [`domain`]: the rules, pure; `domain/choice.rs` chooses the carrier.
//! - [`handle`]: the one path: load, decide, save.
//! - [`store`]: the SQL. [`grpc`]: calls. [`events`]: messages.

pub mod domain;
pub mod events;
pub mod grpc;
pub mod handle;
pub mod store;
pub mod wire;
pub mod world;

use proto::REQUEST_BYTES_MAX;
use proto::logistics::logistics_service_server::LogisticsServiceServer;

/// The schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// How often parcels are looked for whose day has passed.
const DAYS_SWEEP: std::time::Duration = std::time::Duration::from_secs(2);

/// The service.
pub static SERVICE: chassis::Service = chassis::Service {
    name: "logistics",
    migrations: &MIGRATIONS,
    grants: store::GRANTS,
    own: chassis::settings::Own::NONE,
    long: &[],
    build,
};

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let pack = ctx.pack();
        let carriers = domain::Carriers { list: pack.logistics.carriers.clone(), currency: pack.currency.clone() };
        let days = domain::Days { zone: pack.time_zone().clone(), late: pack.logistics.late_days };
        let lanes = ctx.lanes(handle::Handle { carriers: carriers.clone(), days: days.clone() });
        ctx.consume(&lanes, events::command);
        ctx.sweep("days that have passed", DAYS_SWEEP, &lanes, move |pool, offset| {
            handle::due(pool, offset, days.clone())
        });
        let reads = ctx.reads();
        ctx.answer(chassis::topology::PARCELS, move |asked| grpc::open_parcels(reads.clone(), asked));
        let api = grpc::Api { lanes, reads: ctx.reads(), carriers };
        Ok(ctx.routes(LogisticsServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX)))
    })
}
