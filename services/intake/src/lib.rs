//! Intake: takes claims from customers on any channel, asks the customer what the process needs to know, and is the
//! only place with contact data (N13). It decides nothing about a claim.
//!
//! - [`domain`]: the claim as intake knows it; pure.
//! - [`handle`]: the one path, from a batch of commands to rows and messages.
//! - [`store`]: SQL. [`grpc`]: calls. [`events`]: messages.
//! - [`canary`]: claims that it submits to itself, to see that claims get through.

pub mod canary;
pub mod domain;
pub mod events;
pub mod grpc;
pub mod handle;
pub mod store;

use proto::REQUEST_BYTES_MAX;
use proto::intake::intake_service_server::IntakeServiceServer;

/// The migrations of its own tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service.
pub static SERVICE: chassis::Service = chassis::Service { name: "intake", migrations: &MIGRATIONS, build };

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let lanes = ctx.lanes(handle::Handle { pack: ctx.pack().clone() });
        ctx.consume(&lanes, events::command);
        canary::start(ctx, &lanes);
        let api = grpc::Api { lanes, reads: ctx.reads(), clock: ctx.clock() };
        Ok(ctx.routes(IntakeServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX)))
    })
}
