//! The broker: connecting, checking, provisioning.

mod ask;
mod login;
mod overhear;
mod refusals;
mod self_test;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use secrecy::{ExposeSecret, SecretString};

use crate::jitter::jittered;
use crate::settings;
use crate::topology::{self, SERVICES, STREAMS, consumer_name, stream_name};
pub use ask::Ask;
pub(crate) use ask::answer;
use login::Login;
pub(crate) use overhear::overhear;
pub(crate) use refusals::Refusals;
pub(crate) use self_test::SelfTest;

/// Oldest server that understands what we ask of it: older ones accept everything and do the wrong thing, or do not know
/// how a consumer is reset, or have holes that are known (P12).
const FLOOR: (i64, i64, i64) = (2, 14, 3);

/// A dead link is noticed by three pings without an answer.
const PING: Duration = Duration::from_secs(2);
/// Longest wait between two tries to connect.
const RECONNECT: Duration = Duration::from_secs(1);
/// What a start waits for the broker. Without it the service comes up too: unready, but what it accepts is kept (P17).
const FIRST: Duration = Duration::from_secs(2);

/// Connects, and refuses a server that is too old: for tools, which are of no use without a broker. Their address may
/// name user and password; it is made in memory, and never an argument.
pub async fn connect(name: &str, url: &SecretString) -> anyhow::Result<Client> {
    let address: ServerAddr = url.expose_secret().parse().context("it is not an address of NATS")?;
    let options = tuned(name, ConnectOptions::new());
    let options = match (address.username(), address.password()) {
        (Some(user), Some(password)) => {
            let options = options.custom_inbox_prefix(topology::inbox(user));
            options.user_and_password(user.to_owned(), password.to_owned())
        }
        _ => options,
    };
    let client = options.connect(address).await.context("cannot connect to NATS")?;
    too_old(&client).map_or(Ok(client), |why| bail!(why))
}

/// The same as the user of the settings.
pub(crate) async fn connect_once(service: &'static str, settings: &settings::Nats) -> anyhow::Result<Client> {
    let options = options(service, settings, &Arc::new(Refusals::new(service)))?;
    let client = options.connect(settings.url.expose_secret()).await.context("cannot connect to NATS")?;
    too_old(&client).map_or(Ok(client), |why| bail!(why))
}

/// A client that connects as soon as it can, and again whenever it must.
pub(crate) async fn open(
    service: &'static str,
    settings: &settings::Nats,
    refusals: &Arc<Refusals>,
) -> anyhow::Result<Client> {
    // So a first login that fails is tried again, too.
    let options = options(service, settings, refusals)?.retry_on_initial_connect();
    let client = options.connect(settings.url.expose_secret()).await.context("nats.url is not an address of NATS")?;
    let connected = async {
        while !is_connected(&client) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(FIRST, connected).await.is_err() {
        tracing::warn!(service, "the broker does not answer yet: messages wait");
    }
    Ok(client)
}

/// How a service connects: as its own user, with an inbox of its own.
fn options(
    service: &'static str,
    settings: &settings::Nats,
    refusals: &Arc<Refusals>,
) -> anyhow::Result<ConnectOptions> {
    let login = Login::of(service, settings)?;
    let inbox = topology::inbox(&login.user);
    let told = Arc::clone(refusals);
    let options = ConnectOptions::with_auth_callback(move |_| {
        // Read at each connect: a password that was changed is found without a restart.
        let auth = login.auth().map_err(|error| format!("{error:#}")).inspect_err(|why| told.login_failed(why));
        async move { auth.map_err(async_nats::AuthError::new) }
    });
    let refusals = Arc::clone(refusals);
    let options = tuned(service, options).custom_inbox_prefix(inbox).event_callback(move |event| {
        refusals.heard(&event);
        async move {
            match event {
                Event::Connected => tracing::info!(service, "connected to the broker"),
                Event::Disconnected => tracing::warn!(service, "disconnected from the broker"),
                other => tracing::debug!(service, event = %other, "broker event"),
            }
        }
    });
    Ok(match &settings.ca_file {
        Some(file) => options.add_root_certificates(file.clone()).require_tls(true),
        None => options,
    })
}

fn tuned(name: &str, options: ConnectOptions) -> ConnectOptions {
    options
        .name(name)
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_secs(5)))
        .ping_interval(PING)
        .reconnect_delay_callback(|attempts| match attempts {
            0 | 1 => Duration::ZERO,
            _ => jittered(RECONNECT.min(Duration::from_millis(50 << attempts.min(6)))),
        })
}

/// Whether there is a connection, and the server has introduced itself.
pub(crate) fn is_connected(client: &Client) -> bool {
    client.connection_state() == async_nats::connection::State::Connected && client.try_server_info().is_some()
}

/// Connections that the client has made since the start: with another number it is another connection.
pub(crate) fn connects(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
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

/// Why nobody should be sent to a service with this broker, if it is so.
pub(crate) fn unfit(client: &Client) -> Option<String> {
    let open = !client.server_info().auth_required;
    let open = open.then(|| "the broker asks nobody who they are: see deploy/nats/users.conf".to_owned());
    too_old(client).or(open)
}

/// The JetStream context of a client.
pub(crate) fn jetstream(client: &Client) -> jetstream::Context {
    let mut context = jetstream::new(client.clone());
    context.set_timeout(Duration::from_secs(5));
    context
}

/// Creates or updates every stream and consumer: the one provisioning step. `storage_mib` is for all
/// streams together but the feed, which has two fifths of it besides.
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
