//! Inventory: goods, where they are, to whom they are promised. It does not know who the customer is.
//!
//! - [`stock`], [`reservation`], [`returns`]: a folder for each noun, with its rules (`domain`, pure), calls, messages and SQL.
//! - [`domain`]: what follows from one noun for another. [`handle`]: the one path: load, decide, save.

pub mod command;
pub mod domain;
pub mod grpc;
pub mod handle;
pub mod refusal;
pub mod reservation;
pub mod returns;
pub mod stock;
pub mod store;
pub mod wire;
pub mod world;

use std::time::Duration;

use jiff::SignedDuration;
use proto::REQUEST_BYTES_MAX;
use proto::inventory::inventory_service_server::InventoryServiceServer;

/// The schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

pub static SERVICE: chassis::Service = chassis::Service {
    name: "inventory",
    migrations: &MIGRATIONS,
    grants: store::GRANTS,
    own: chassis::settings::Own::NONE,
    long: &[],
    build,
};

/// How often holds that ran out are looked for.
const EXPIRY_SWEEP: Duration = Duration::from_secs(1);

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let terms = ctx.packs().map(|pack| domain::Terms {
            hold: SignedDuration::from_secs(i64::from(pack.inventory.hold_s)),
            lead_time_days: pack.inventory.lead_time_days,
            zone: pack.time_zone().clone(),
            mix_batches: pack.inventory.mix_batches,
        });
        let lanes = ctx.lanes(handle::Handle { terms });
        ctx.audit(&[], Some(store::DIFFERS));
        ctx.consume(&lanes, command::read);
        ctx.sweep("expired holds", EXPIRY_SWEEP, &lanes, reservation::store::due);
        let api = grpc::Api { lanes, reads: ctx.reads() };
        Ok(ctx.routes(InventoryServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX)))
    })
}
