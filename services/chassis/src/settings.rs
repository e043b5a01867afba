//! Configuration: defaults in code, then a file, then variables as `REDRESS_INTAKE__DATABASE__URL`. Unknown keys are
//! errors. Secrets are secret types: they are never printed.

mod audit;
mod database;
mod links;
mod own;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use config::{Config, Environment, File, FileFormat, Value, ValueKind};
use jiff::SignedDuration;
use proto::policy::Packs;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use crate::auth::Auth;
pub use crate::limits::Settings as Limits;
use crate::message::batch::ITEMS_MAX;
pub use crate::tls::{Clients, Settings as Tls};
pub use audit::Audit;
pub use database::Database;
pub(crate) use database::has_password;
pub use own::{Own, Sections};

/// What a service is told at start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The service's own PostgreSQL database.
    pub database: Database,
    /// The broker.
    #[serde(default)]
    pub nats: Nats,
    /// The gRPC port.
    #[serde(default)]
    pub grpc: Grpc,
    /// The port of probes and metrics.
    #[serde(default)]
    pub admin: Admin,
    /// Who is let in.
    #[serde(default)]
    pub auth: Auth,
    /// How much one caller may ask.
    #[serde(default)]
    pub limits: Limits,
    /// Lanes.
    #[serde(default)]
    pub lanes: LaneSettings,
    /// The policy pack.
    #[serde(default)]
    pub policy: Policy,
    /// Logs and traces.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// The audit chain and its checkpoints.
    #[serde(default)]
    pub audit: Audit,
    /// Hard limit of an ordered shutdown.
    #[serde(default = "shutdown_limit")]
    pub shutdown: SignedDuration,
    /// How long a shutdown goes on serving after it has said that it is not ready: as long as others need to see it.
    #[serde(default)]
    pub linger: SignedDuration,
    /// What only this service has.
    #[serde(skip)]
    pub own: Sections,
}

/// The broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nats {
    /// Address, as `nats://broker:4222`; without user and password.
    pub url: SecretString,
    /// The user; none: the name of the service.
    pub user: Option<String>,
    /// File with the password of the user, and nothing else. It is read at each connect. Nothing works without it.
    pub password_file: Option<PathBuf>,
    /// Certificates of those who vouch for the broker, as PEM; with it the broker must speak TLS.
    pub ca_file: Option<PathBuf>,
    /// What keeps others out of a link in clear to a broker on another machine, as `proxy`; without it such a link is refused.
    pub plain_behind: Option<String>,
    /// First token of every subject: several installations can share a broker.
    pub prefix: String,
    /// Storage for all streams together but the feed, which has two fifths of it besides, in MiB: used when provisioning.
    pub storage_mib: u32,
    /// Commands to one service, or events, that leave as one message at the most; 1: each alone, as long as services run
    /// of a release that reads no batches.
    pub batch_max: usize,
    /// Whether public events are published a second time, many in one message, for subscribers who want all of them: the
    /// feed. It is the orchestrator who does it; others ignore this.
    pub feed: bool,
}

/// The gRPC port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grpc {
    /// Address to listen on; port 0: any free port.
    pub listen: SocketAddr,
    /// Calls that may run at once; more are refused with a hint when to come again.
    pub calls: usize,
    /// Connections at once; more are closed. Each takes a file handle.
    pub connections: u32,
    /// Connections of one network at once: an IPv4 address, or the first 64 bits of an IPv6 one. None: a quarter of
    /// `connections`, so that nobody alone, and no three of them, can take every place. That is plenty: a client needs one
    /// connection, which carries thousands of calls, and an office behind one address has some tens. Behind a proxy that
    /// hides addresses all callers are one network: set it to `connections` there.
    pub connections_of_one: Option<u32>,
    /// Time in which somebody must be recognised on a new connection, by a call with a valid token or certificate; then it
    /// is closed. Clients connect again by themselves; probes need no longer than that.
    pub recognised_within: SignedDuration,
    /// Whether callers with an identity can ask what methods there are (gRPC reflection).
    pub reflection: bool,
    /// TLS; none: what is said can be read by the network, so only this machine may be listened to.
    pub tls: Option<Tls>,
    /// What speaks TLS for a port that is open to others without it, as `proxy`; without it such a port is refused.
    pub plain_behind: Option<String>,
}

/// The port of probes and metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address to listen on; port 0: any free port.
    pub listen: SocketAddr,
}

/// Lanes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneSettings {
    /// Number of lanes: each owns a connection.
    pub count: usize,
    /// Commands in a batch at the most.
    pub batch_max: usize,
    /// Longest that a lane under load waits until a batch is as large as the last one; zero: never. A lane without load
    /// never waits.
    pub gather: SignedDuration,
    /// Commands that may wait in a lane; more are refused.
    pub queue: usize,
    /// Whether batches are tried without locks. False as long as replicas run of a release that locks only: what they change
    /// does not move the versions that others rest on.
    pub optimistic: bool,
}

/// The policy pack.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A pack with a single version, as a TOML file; without it and `path` the shipped supply-chain pack.
    pub file: Option<PathBuf>,
    /// A folder with the dated versions of a pack, a TOML file each.
    pub path: Option<PathBuf>,
    /// Name of the pack, if the folder has several.
    pub pack: Option<String>,
}

/// Logs and traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// What is logged, as `info,sqlx=warn`.
    pub log: String,
    /// Address of an OTLP collector, as `http://collector:4317`; none: no traces are exported.
    pub otlp: Option<String>,
}

fn shutdown_limit() -> SignedDuration {
    SignedDuration::from_secs(20)
}

impl Policy {
    /// All versions of the pack.
    pub(crate) fn load(&self) -> anyhow::Result<Packs> {
        anyhow::ensure!(self.path.is_none() || self.file.is_none(), "policy.path and policy.file exclude each other");
        anyhow::ensure!(self.path.is_some() || self.pack.is_none(), "policy.pack chooses a pack in policy.path");
        if let Some(folder) = self.path.as_deref().filter(|path| !path.is_dir()) {
            anyhow::bail!("policy.path must be a folder: {} is none", folder.display());
        }
        Ok(Packs::load(self.path.as_deref().or(self.file.as_deref()), self.pack.as_deref())?)
    }
}

impl Default for Nats {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".into(),
            user: None,
            password_file: None,
            ca_file: None,
            plain_behind: None,
            prefix: "redress".to_owned(),
            storage_mib: 20 * 1024,
            batch_max: ITEMS_MAX,
            feed: false,
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            calls: 1024,
            connections: 800,
            connections_of_one: None,
            recognised_within: SignedDuration::from_secs(15),
            reflection: false,
            tls: None,
            plain_behind: None,
        }
    }
}

impl Grpc {
    /// Connections of one network at once.
    pub(crate) fn most_of_one(&self) -> u32 {
        self.connections_of_one.unwrap_or_else(|| (self.connections / 4).max(1))
    }

    fn check_connections(&self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=100_000).contains(&self.connections), "grpc.connections must be 1 to 100000");
        let one = (1..=self.connections).contains(&self.most_of_one());
        anyhow::ensure!(one, "grpc.connections_of_one must be 1 to grpc.connections");
        // No connection is kept for longer than five minutes anyway.
        let times = SignedDuration::from_secs(1)..=SignedDuration::from_mins(5);
        anyhow::ensure!(times.contains(&self.recognised_within), "grpc.recognised_within must be 1 s to 5 min");
        Ok(())
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self { count: 1, batch_max: 256, gather: SignedDuration::from_millis(1), queue: 1024, optimistic: true }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".to_owned(), otlp: None }
    }
}

impl Nats {
    fn check_link(&self) -> anyhow::Result<()> {
        let is_safe = |address: &str| {
            let address = address.trim().parse::<async_nats::ServerAddr>();
            // What is no address is found out when it is used.
            address.is_ok_and(|address| links::is_local(address.host()) || address.scheme() == "tls")
        };
        let is_safe = self.ca_file.is_some() || self.url.expose_secret().split(',').all(is_safe);
        links::check("nats.url", is_safe, "nats.ca_file", "nats", self.plain_behind.as_ref())
    }
}

impl Settings {
    /// The settings of a service with sections of its own, from a file, if any, and from variables.
    pub(crate) fn read(
        service: &str,
        sections: &[&str],
        file: Option<&Path>,
        variables: Option<config::Map<String, String>>,
    ) -> anyhow::Result<Self> {
        let mut builder = Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let prefix = format!("REDRESS_{}", service.to_uppercase());
        let environment = Environment::with_prefix(&prefix)
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .source(variables);
        let read = || -> Result<Self, config::ConfigError> {
            let mut config = builder.add_source(environment).build()?;
            let mut table = std::mem::take(&mut config.cache).into_table()?;
            let own = Sections::take(sections, &mut table);
            config.cache = Value::new(None, ValueKind::Table(table));
            Ok(Self { own, ..config.try_deserialize()? })
        };
        let settings = read().with_context(|| format!("the configuration of {service} is wrong"))?;
        settings.check()?;
        settings.check_links()?;
        Ok(settings)
    }

    fn check_links(&self) -> anyhow::Result<()> {
        self.database.check_links()?;
        self.nats.check_link()?;
        let is_safe = self.grpc.tls.is_some() || self.grpc.listen.ip().is_loopback();
        links::check("grpc.listen", is_safe, "grpc.tls", "grpc", self.grpc.plain_behind.as_ref())
    }

    fn check_certificates(&self) -> anyhow::Result<()> {
        self.grpc.tls.as_ref().map_or(Ok(()), Tls::check)?;
        let vouched = self.grpc.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        anyhow::ensure!(
            vouched || self.auth.identities.is_empty(),
            "auth.identities names callers with client certificates: set grpc.tls.client_ca_file, by which they are known"
        );
        Ok(())
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=64).contains(&self.lanes.count), "lanes.count must be 1 to 64");
        anyhow::ensure!((1..=4096).contains(&self.lanes.batch_max), "lanes.batch_max must be 1 to 4096");
        let gather = SignedDuration::ZERO..=SignedDuration::from_secs(1);
        anyhow::ensure!(gather.contains(&self.lanes.gather), "lanes.gather must be 0 s to 1 s");
        anyhow::ensure!((1..=100_000).contains(&self.lanes.queue), "lanes.queue must be 1 to 100000");
        self.database.check()?;
        anyhow::ensure!((1..=100_000).contains(&self.grpc.calls), "grpc.calls must be 1 to 100000");
        self.grpc.check_connections()?;
        self.check_certificates()?;
        self.limits.check()?;
        self.audit.check()?;
        let rest = self.shutdown.checked_sub(self.linger);
        anyhow::ensure!(
            !self.linger.is_negative() && rest.is_some_and(|rest| rest >= SignedDuration::from_secs(5)),
            "linger must leave 5 s of shutdown at least"
        );
        // An address is seen by more eyes than a file.
        anyhow::ensure!(
            !self.nats.url.expose_secret().contains('@'),
            "nats.url must not have user and password: set nats.user and nats.password_file"
        );
        anyhow::ensure!((1..=ITEMS_MAX).contains(&self.nats.batch_max), "nats.batch_max must be 1 to {ITEMS_MAX}");
        let prefix = &self.nats.prefix;
        let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        anyhow::ensure!(
            (1..=24).contains(&prefix.len()) && prefix.bytes().all(token),
            "nats.prefix must have 1 to 24 characters of a-z, 0-9 and hyphen"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
