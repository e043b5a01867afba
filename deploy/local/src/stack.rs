//! All of Redress on one machine: a private PostgreSQL and NATS, a database and a role for each service, and the six
//! services in this process or as six.
//!
//! Nothing outlives the process that started it, however that process ends, but a folder that the next start sweeps.

pub mod databases;
mod processes;
mod rehearsal;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use chassis::{Clock, Running, Service, Settings, Unmoved, topology};
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::{Secrets, ServerOptions, Servers};
use processes::Processes;

/// The six services.
pub static SERVICES: [&Service; 6] = [
    &intake::SERVICE,
    &triage::SERVICE,
    &inventory::SERVICE,
    &logistics::SERVICE,
    &escalation::SERVICE,
    &orchestrator::SERVICE,
];

/// How the stack is to run.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Whether PostgreSQL survives a loss of power: on, but for tests.
    pub durable: bool,
    /// Where the data lives: a folder that is kept, or a fresh one that is removed.
    pub root: Option<PathBuf>,
    /// The program that serves one service by `serve <service>`; none: all six in this process.
    pub processes: Option<PathBuf>,
    /// Policy pack: a file, or a folder with its versions; none: the shipped one.
    pub policy: Option<PathBuf>,
    /// What the services log, as `warn`.
    pub log: String,
    /// Address of an OTLP collector, to which traces go; none: there are none.
    pub otlp: Option<String>,
    /// Whether the broker has a user who may do everything: for tests.
    pub operator: bool,
    /// Whether the orchestrator writes the feed, too.
    pub feed: bool,
    /// More variables for services, as `REDRESS_INTAKE__CUSTOMERS__CLAIMS_PER_DAY`; a service reads its own.
    pub settings: BTreeMap<String, String>,
    /// The clock of the services of this process; tests move it. That of a rehearsal makes databases for one.
    pub clock: Clock,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            durable: true,
            root: None,
            processes: None,
            policy: None,
            log: "warn".to_owned(),
            otlp: None,
            operator: false,
            feed: false,
            settings: BTreeMap::new(),
            clock: Clock::default(),
        }
    }
}

/// Redress, running.
pub struct Stack {
    // Dropped in this order: the services go before what they stand on.
    running: Vec<Running>,
    processes: Processes,
    endpoints: BTreeMap<String, String>,
    admin: BTreeMap<String, String>,
    databases: BTreeMap<String, String>,
    secrets: Secrets,
    clock: Clock,
    servers: Servers,
}

/// First token of every subject of the stack.
pub const PREFIX: &str = "redress";
/// Storage of all streams together.
pub const STORAGE_MIB: u32 = 1024;

/// Folder of the secrets, below that of the servers.
pub const SECRETS: &str = "secrets";

/// Makes the users of the broker: a part of its configuration. The operator may do everything, and is for tests.
pub fn nats_users(secrets: &Secrets, prefix: &str, operator: bool) -> Result<String> {
    let mut users = topology::users(prefix);
    users.extend(operator.then(topology::operator));
    authorization(secrets, prefix, &users)
}

/// The same without what a service may publish under some subject: for tests.
pub fn nats_users_but(secrets: &Secrets, prefix: &str, service: &str, subject: &str) -> Result<String> {
    let mut users = topology::users(prefix);
    users.push(topology::operator());
    for user in users.iter_mut().filter(|user| user.name == service) {
        user.publish.retain(|own| !own.starts_with(subject));
    }
    authorization(secrets, prefix, &users)
}

fn authorization(secrets: &Secrets, prefix: &str, users: &[topology::User]) -> Result<String> {
    let passwords: Result<BTreeMap<String, String>> =
        users.iter().map(|user| Ok((user.name.clone(), secrets.nats_password(&user.name)?))).collect();
    let passwords = passwords?;
    Ok(topology::authorization(prefix, users, |user| format!("{:?}", passwords[user])))
}

/// Streams of a release that had no accounts on the broker move into that of the installation.
fn move_streams(folder: &Path) -> Result<()> {
    let store = folder.join("nats/store/jetstream");
    let (before, now) = (store.join("$G"), store.join(topology::account(PREFIX)));
    if before.exists() && !now.exists() {
        std::fs::rename(&before, &now).with_context(|| format!("cannot move {}", before.display()))?;
    }
    Ok(())
}

/// The variables under which a service finds its database, the broker, its secrets and its policy pack.
pub fn variables(
    service: &str,
    secrets: &Secrets,
    database: &str,
    nats: &str,
    log: &str,
    policy: Option<&Path>,
) -> config::Map<String, String> {
    let prefix = format!("REDRESS_{}", service.to_uppercase());
    let mut variables = config::Map::new();
    variables.insert(format!("{prefix}__DATABASE__URL"), database.to_owned());
    variables.insert(format!("{prefix}__NATS__URL"), nats.to_owned());
    variables.insert(format!("{prefix}__NATS__PREFIX"), PREFIX.to_owned());
    variables.insert(format!("{prefix}__TELEMETRY__LOG"), log.to_owned());
    variables.extend(secrets.variables(service));
    if let Some(policy) = policy {
        let setting = if policy.is_dir() { "PATH" } else { "FILE" };
        variables.insert(format!("{prefix}__POLICY__{setting}"), policy.display().to_string());
    }
    variables
}

impl Stack {
    /// Starts everything; all six services serve when this returns.
    pub async fn start(options: StackOptions) -> Result<Self> {
        let begun = Instant::now();
        let from = options.clock.is_rehearsal().then(|| options.clock.now());
        ensure!(
            from.is_none() || options.processes.is_none(),
            "the services of a rehearsal are one process: it has one clock"
        );
        // A copy of what others have made, where nothing is to last.
        let prepared = !options.durable && options.root.is_none() && from.is_none();
        let servers =
            ServerOptions { durable: options.durable, root: options.root.clone(), ..ServerOptions::default() };
        let operator = options.operator;
        let start = move || {
            let cluster = if prepared { Some(databases::prepared()?) } else { None };
            let servers = ServerOptions { cluster, ..servers };
            let mut secrets = None;
            let servers = Servers::start_with(servers, |folder| {
                move_streams(folder)?;
                nats_users(secrets.insert(Secrets::make(&folder.join(SECRETS))?), PREFIX, operator)
            })?;
            anyhow::Ok((servers, secrets.context("there are no secrets")?))
        };
        let (servers, secrets) = tokio::task::spawn_blocking(start).await??;
        let provisioner = secrets.nats_url(&servers.nats_url(), topology::PROVISIONER)?;
        let client = chassis::connect_nats("local", &provisioner.into()).await?;
        let (databases, ()) = tokio::try_join!(databases::make(&servers, &secrets, from), async {
            chassis::provision(&client, PREFIX, STORAGE_MIB).await
        })?;
        let mut stack = Self {
            running: Vec::new(),
            processes: Processes::default(),
            endpoints: BTreeMap::new(),
            admin: BTreeMap::new(),
            databases,
            secrets,
            clock: options.clock.clone(),
            servers,
        };
        match &options.processes {
            Some(program) => stack.start_processes(program.clone(), &options).await?,
            None => stack.start_here(&options).await?,
        }
        tracing::info!(seconds = begun.elapsed().as_secs_f64(), "the stack is ready");
        Ok(stack)
    }

    async fn start_here(&mut self, options: &StackOptions) -> Result<()> {
        let starts = SERVICES.iter().map(|service| {
            let variables = self.variables(service, options);
            async move {
                let settings = Settings::from(service, None, Some(variables))?;
                chassis::start(service, settings, options.clock.clone())
                    .await
                    .with_context(|| format!("cannot start {}", service.name))
            }
        });
        self.running = try_join_all(starts).await?;
        for running in &self.running {
            self.endpoints.insert(running.service().to_owned(), format!("http://{}", running.grpc()));
            self.admin.insert(running.service().to_owned(), format!("http://{}", running.admin()));
        }
        Ok(())
    }

    async fn start_processes(&mut self, program: PathBuf, options: &StackOptions) -> Result<()> {
        let folder = self.servers.folder().to_owned();
        let variables: Vec<_> =
            SERVICES.iter().map(|service| (service.name, self.variables(service, options))).collect();
        let processes = tokio::task::spawn_blocking(move || Processes::start(&program, &folder, variables)).await??;
        for process in processes.iter() {
            self.endpoints.insert(process.service.to_owned(), format!("http://{}", process.grpc));
            self.admin.insert(process.service.to_owned(), format!("http://{}", process.admin));
        }
        self.processes = processes;
        Ok(())
    }

    /// The variables under which a service finds its database, the broker and its policy pack.
    fn variables(&self, service: &Service, options: &StackOptions) -> config::Map<String, String> {
        let mut variables = variables(
            service.name,
            &self.secrets,
            &self.databases[service.name],
            &self.servers.nats_url(),
            &options.log,
            options.policy.as_deref(),
        );
        if !options.durable {
            let forgets = format!("REDRESS_{}__DATABASE__UNSAFE_DURABILITY_FOR_TESTS", service.name.to_uppercase());
            variables.insert(forgets, "true".to_owned());
        }
        if let Some(collector) = &options.otlp {
            variables.insert(format!("REDRESS_{}__TELEMETRY__OTLP", service.name.to_uppercase()), collector.clone());
        }
        variables.insert(format!("REDRESS_{}__NATS__FEED", service.name.to_uppercase()), options.feed.to_string());
        // Whoever tries it out may ask what there is.
        variables.insert(format!("REDRESS_{}__GRPC__REFLECTION", service.name.to_uppercase()), "true".to_owned());
        let own = format!("REDRESS_{}__", service.name.to_uppercase());
        let more = options.settings.iter().filter(|(name, _)| name.starts_with(&own));
        variables.extend(more.map(|(name, value)| (name.clone(), value.clone())));
        variables
    }

    /// gRPC address of each service.
    pub fn endpoints(&self) -> &BTreeMap<String, String> {
        &self.endpoints
    }

    /// Address of each service's probes and metrics.
    pub fn admin_endpoints(&self) -> &BTreeMap<String, String> {
        &self.admin
    }

    /// Address of the broker.
    pub fn nats_url(&self) -> String {
        self.servers.nats_url()
    }

    /// Address of the broker for one of its users, with the password: for clients in memory.
    pub fn nats_url_as(&self, user: &str) -> Result<String> {
        self.secrets.nats_url(&self.servers.nats_url(), user)
    }

    /// What this installation keeps secret.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// First token of every subject.
    pub fn prefix(&self) -> &str {
        PREFIX
    }

    /// Address of a service's database for the role that serves; its password is in a file of the secrets.
    pub fn database_url(&self, service: &str) -> Option<&str> {
        self.databases.get(service).map(String::as_str)
    }

    /// Host, port and the address of each service's database, without the passwords: those are among the secrets.
    pub fn postgres(&self) -> BTreeMap<String, String> {
        let address = self.servers.postgres_address();
        let shown = |service: &String| format!("postgres://{service}@{address}/{service}");
        let mut postgres: BTreeMap<_, _> =
            self.databases.keys().map(|service| (service.clone(), shown(service))).collect();
        postgres.insert("host".to_owned(), self.servers.postgres_host().to_owned());
        postgres.insert("port".to_owned(), self.servers.postgres_port().to_string());
        postgres
    }

    /// Address of a database for the superuser: for operators and tests.
    pub fn superuser_url(&self, database: &str) -> String {
        self.servers.postgres_url(database)
    }

    /// The two servers.
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// The clock of the services; of six processes each has its own.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Moves the clock of a rehearsal forward, for all services at once; gives the time then. It is kept first: whoever goes on
    /// with these data goes on from there.
    pub async fn forward_to(&self, to: Timestamp) -> Result<Timestamp> {
        ensure!(self.clock.is_rehearsal(), Unmoved::NotARehearsal);
        let now = self.clock.now();
        ensure!(to >= now, Unmoved::Backwards { now, to });
        let owners: Result<Vec<_>> =
            SERVICES.iter().map(|service| databases::owner_url(&self.servers, &self.secrets, service.name)).collect();
        try_join_all(owners?.iter().map(|owner| rehearsal::reach(owner, to))).await?;
        // Keeping it took a moment: a move by less than that is done.
        self.clock.forward_to(to.max(self.clock.now()))?;
        Ok(self.clock.now())
    }

    /// Stops one service of this process in order, as a roll-out would.
    pub async fn stop_service(&mut self, name: &str) -> Result<()> {
        let at = self.running.iter().position(|running| running.service() == name);
        let at = at.with_context(|| format!("{name} does not run in this process"))?;
        self.running.remove(at).stop().await
    }

    /// Starts a stopped service of this process again; it has a new address.
    pub async fn start_service(&mut self, name: &str, options: &StackOptions) -> Result<()> {
        let service = SERVICES.iter().find(|service| service.name == name).context("there is no such service")?;
        let settings = Settings::from(service, None, Some(self.variables(service, options)))?;
        let running = chassis::start(service, settings, options.clock.clone()).await?;
        self.endpoints.insert(name.to_owned(), format!("http://{}", running.grpc()));
        self.admin.insert(name.to_owned(), format!("http://{}", running.admin()));
        self.running.push(running);
        Ok(())
    }

    /// Stops the services in order, then the servers.
    pub async fn stop(mut self) -> Result<()> {
        let running = std::mem::take(&mut self.running);
        let stopped = try_join_all(running.into_iter().map(Running::stop)).await;
        tokio::task::spawn_blocking(move || drop(self)).await?;
        stopped.map(|_| ())
    }
}
