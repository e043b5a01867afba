//! The broker: connecting, checking, provisioning.

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, Event};
use secrecy::{ExposeSecret, SecretString};

use crate::jitter::jittered;
use crate::topology::{SERVICES, STREAMS, consumer_name, stream_name};

/// Oldest server that understands what we ask of it; older ones accept everything and do the wrong thing.
const FLOOR: (i64, i64, i64) = (2, 12, 0);

/// A dead link is noticed by three pings without an answer.
const PING: Duration = Duration::from_secs(2);
/// Longest wait between two tries to connect.
const RECONNECT: Duration = Duration::from_secs(1);
/// What a start waits for the broker. Without it the service comes up too: unready, but what it accepts is kept (P17).
const FIRST: Duration = Duration::from_secs(2);

/// Connects, and refuses a server that is too old: for tools, which are of no use without a broker.
pub async fn connect(name: &str, url: &SecretString) -> anyhow::Result<Client> {
    let client = options(name).connect(url.expose_secret()).await.context("cannot connect to NATS")?;
    too_old(&client).map_or(Ok(client), |why| bail!(why))
}

/// A client that connects as soon as it can, and again whenever it must.
pub(crate) async fn open(name: &str, url: &SecretString) -> anyhow::Result<Client> {
    let options = options(name).retry_on_initial_connect();
    let client = options.connect(url.expose_secret()).await.context("nats.url is not an address of NATS")?;
    let connected = async {
        while !is_connected(&client) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(FIRST, connected).await.is_err() {
        tracing::warn!(service = name, "the broker does not answer yet: messages wait");
    }
    Ok(client)
}

fn options(name: &str) -> ConnectOptions {
    let label = name.to_owned();
    ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_secs(5)))
        .ping_interval(PING)
        .reconnect_delay_callback(|attempts| match attempts {
            0 | 1 => Duration::ZERO,
            _ => jittered(RECONNECT.min(Duration::from_millis(50 << attempts.min(6)))),
        })
        .event_callback(move |event| {
            let label = label.clone();
            async move {
                match event {
                    Event::Connected => tracing::info!(service = label, "connected to the broker"),
                    Event::Disconnected => tracing::warn!(service = label, "disconnected from the broker"),
                    other => tracing::debug!(service = label, event = %other, "broker event"),
                }
            }
        })
}

/// Whether there is a connection, and the server has introduced itself.
pub(crate) fn is_connected(client: &Client) -> bool {
    client.connection_state() == async_nats::connection::State::Connected && client.try_server_info().is_some()
}

/// Why the server of the connection cannot be used, if it is so.
pub(crate) fn too_old(client: &Client) -> Option<String> {
    let (major, minor, patch) = FLOOR;
    let found = client.server_info().version;
    (!client.is_server_compatible(major, minor, patch)).then(|| {
        format!(
            "the NATS server is {found}, at least {major}.{minor}.{patch} is needed: older servers ignore stream and consumer options silently"
        )
    })
}

/// The JetStream context of a client.
pub(crate) fn jetstream(client: &Client) -> jetstream::Context {
    let mut context = jetstream::new(client.clone());
    context.set_timeout(Duration::from_secs(5));
    context
}

/// Creates or updates every stream and consumer: the one provisioning step. `storage_mib` is for all streams together.
pub async fn provision(client: &Client, prefix: &str, storage_mib: u32) -> anyhow::Result<()> {
    let jetstream = jetstream(client);
    for stream in STREAMS {
        let config = stream.config(prefix, storage_mib);
        let name = config.name.clone();
        jetstream.create_or_update_stream(config).await.with_context(|| format!("cannot provision stream {name}"))?;
    }
    for row in SERVICES {
        let stream = stream_name(prefix, row.stream);
        let consumer = consumer_name(row.service);
        jetstream
            .create_consumer_on_stream(row.config(prefix), &stream)
            .await
            .with_context(|| format!("cannot provision consumer {consumer} on {stream}"))?;
    }
    Ok(())
}
