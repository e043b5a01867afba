//! The broker: connecting, checking, provisioning.

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, Event};
use secrecy::{ExposeSecret, SecretString};

use crate::topology::{SERVICES, STREAMS, consumer_name, stream_name};

/// Oldest server that understands what we ask of it; older ones accept everything and do the wrong thing.
const FLOOR: (i64, i64, i64) = (2, 12, 0);

/// Connects, and refuses a server that is too old.
pub async fn connect(name: &str, url: &SecretString) -> anyhow::Result<Client> {
    let label = name.to_owned();
    let client = ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_secs(5)))
        .ping_interval(Duration::from_secs(5))
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
        .connect(url.expose_secret())
        .await
        .context("cannot connect to NATS")?;
    let (major, minor, patch) = FLOOR;
    if !client.is_server_compatible(major, minor, patch) {
        let found = client.server_info().version;
        bail!(
            "the NATS server is {found}, at least {major}.{minor}.{patch} is needed: older servers ignore stream and consumer options silently"
        );
    }
    Ok(client)
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
