//! Logistics: parcels to and from customers, and visits of technicians. It does not decide who pays.
//!
//! - [`shipment`]: parcels. [`visit`]: technicians and visits. A folder has all of its noun: rules, messages, calls, SQL.
//! - [`command`]: what can be asked, noun by noun. [`handle`], [`world`]: the one path: load, decide, save.
//! - [`grpc`]: calls, given to the nouns.

pub mod command;
pub mod grpc;
pub mod handle;
mod refusal;
pub mod shipment;
pub mod store;
pub mod visit;
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
    grants: &store::GRANTS,
    own: chassis::settings::Own::NONE,
    long: &[],
    build,
};

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let rules = shipment::rules::Rules::of(ctx.packs());
        let visits = visit::rules::Rules::of(ctx.packs());
        let lanes = ctx.lanes(handle::Handle { shipments: rules.clone(), visits: visits.clone() });
        ctx.consume(&lanes, command::read);
        let of_sweep = rules.clone();
        ctx.sweep("days that have passed", DAYS_SWEEP, &lanes, move |pool, offset| {
            handle::parcels_due(pool, offset, of_sweep.clone())
        });
        let reads = ctx.reads();
        ctx.answer(chassis::topology::PARCELS, move |asked| shipment::calls::open_parcels(reads.clone(), asked));
        let api = grpc::Api { lanes, reads: ctx.reads(), shipments: rules, visits, clock: ctx.clock() };
        Ok(ctx.routes(LogisticsServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX)))
    })
}
