//! `redress rebuild`: after the broker has lost its disk.

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::context::{DeleteStreamError, DeleteStreamErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use chassis::topology::{REBUILDER, STREAMS, stream_name};
use jiff::Timestamp;
use proto::operations::{ListParkedRequest, RepublishRequest};
use serde_json::json;
use tonic::{Code, Request};

use crate::connect::Session;
use crate::exit::{self, Failure};
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
    /// Give up for ever what was told after the databases were backed up: delete the streams with all that they hold,
    /// and make them again, empty. All services must be stopped.
    ///
    /// A service whose database is older than what it has published stands still: the others have heard what it does
    /// not know any more. Put the newer database back, and it goes on by itself. If there is none: stop all services,
    /// restore the databases of ALL of them from backups of one moment, use this, start them (they publish their
    /// journals again by themselves), and run `rebuild` without this. One older database among newer ones would
    /// contradict them silently, and nothing here can check that. Nor may a service run on its restored database before
    /// the streams are deleted: it would take messages from after the backup. Customers, carriers and subscribers may
    /// know more than Redress afterwards: claims go on from the moment of the backup, with numbers of events that were
    /// given before.
    #[arg(long, conflicts_with = "since")]
    pub accept_restored_databases: bool,
}

/// Provisions, then asks the services.
pub async fn run(command: Rebuild, session: &Session) -> Result<()> {
    let client = session.nats(REBUILDER).await?;
    let prefix = &session.installation.prefix;
    let storage_mib = left(&jetstream::new(client.clone()), prefix).await.unwrap_or(command.storage_mib);
    if command.accept_restored_databases {
        forget(&jetstream::new(client.clone()), session).await?;
    }
    chassis::provision(&client, prefix, storage_mib).await?;
    if command.accept_restored_databases {
        if session.output.is_json() {
            return output::json(&json!({ "messages": {} }));
        }
        return output::line("the streams are empty; start all services, then run `redress rebuild`");
    }
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

/// Deletes the streams, if no service is there that could take or give something meanwhile.
async fn forget(jetstream: &jetstream::Context, session: &Session) -> Result<()> {
    for service in session.clients.services() {
        let request = ListParkedRequest { page_size: 1, page_token: String::new() };
        let answer = session.clients.operations(service)?.list_parked(Request::new(request)).await;
        let stopped =
            answer.is_err_and(|status| status.code() == Code::Unavailable && exit::reason(&status).is_empty());
        ensure!(stopped, Failure::Usage(format!("{service} runs: nothing was deleted; stop all services first")));
    }
    for stream in STREAMS {
        let name = stream_name(&session.installation.prefix, stream.name);
        match jetstream.delete_stream(&name).await {
            Ok(_) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot delete {name}: run the command again")),
        }
    }
    Ok(())
}

/// Whether there is no such stream.
fn is_missing(error: &DeleteStreamError) -> bool {
    matches!(error.kind(), DeleteStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
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
