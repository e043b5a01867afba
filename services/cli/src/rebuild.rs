//! `redress rebuild`: after the broker has lost its disk.

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use chassis::topology::{STREAMS, stream_name};
use jiff::Timestamp;
use proto::operations::RepublishRequest;
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, table};

/// After the broker has lost its disk: make streams and consumers again, and let every service publish its journal again.
///
/// Nothing is processed twice. Subscribers of claim events and notices may get some again: they know them by number and
/// id. It does no harm to a broker that has lost nothing.
#[derive(Clone, Debug, clap::Args)]
pub struct Rebuild {
    /// Publish again from this time on, as 2026-11-22T00:00:00Z; without it all that the streams would still hold.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// Storage for all streams together in MiB, if none is left that tells; as it was given when provisioning.
    #[arg(long, value_name = "MIB", default_value_t = local::stack::STORAGE_MIB)]
    pub storage_mib: u32,
}

/// Provisions, then asks the services.
pub async fn run(command: Rebuild, session: &Session) -> Result<()> {
    let client = session.nats().await?;
    let prefix = &session.installation.prefix;
    let storage_mib = left(&jetstream::new(client.clone()), prefix).await.unwrap_or(command.storage_mib);
    chassis::provision(&client, prefix, storage_mib).await?;
    let mut told = serde_json::Map::new();
    let mut table = table(["service", "messages to publish again"]);
    for service in session.clients.services() {
        // One request for each service, so each has an id of its own.
        let request = RepublishRequest { request_id: session.request_id(), since: command.since.map(proto::to_wire) };
        let answer = session.clients.operations(service)?.republish(Request::new(request)).await;
        let messages = answer.with_context(|| format!("{service} was not asked"))?.into_inner().messages;
        told.insert(service.to_owned(), json!(messages));
        table.add_row([service.to_owned(), messages.to_string()]);
    }
    if session.output.is_json() {
        return output::json(&json!({ "messages": told }));
    }
    output::line(table)?;
    output::line("streams and consumers are there; the services publish again")
}

/// The storage that the installation was provisioned with, if a stream is left that tells.
async fn left(jetstream: &jetstream::Context, prefix: &str) -> Option<u32> {
    for stream in STREAMS {
        let Ok(found) = jetstream.get_stream(stream_name(prefix, stream.name)).await else { continue };
        // Fifths were rounded down.
        let storage = (found.cached_info().config.max_bytes / stream.fifths * 5 + (1 << 19)) >> 20;
        if let Some(storage) = u32::try_from(storage).ok().filter(|storage| *storage > 0) {
            return Some(storage);
        }
    }
    None
}
