//! All of Redress on one machine: a private PostgreSQL and NATS, a database and a role for each service, and the six
//! services in this process or as six.
//!
//! Nothing outlives the process that started it, however that process ends, but a folder that the next start sweeps.

pub mod databases;
mod processes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use chassis::{Clock, Running, Service, Settings};
use futures::future::try_join_all;

use crate::{ServerOptions, Servers};
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
    /// Policy pack; none: the shipped one.
    pub policy: Option<PathBuf>,
    /// What the services log, as `warn`.
    pub log: String,
    /// The clock of the services of this process; tests move it.
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
    servers: Servers,
}

/// First token of every subject of the stack.
pub const PREFIX: &str = "redress";
/// Storage of all streams together.
pub const STORAGE_MIB: u32 = 1024;

/// The variables under which a service finds its database, the broker and its policy pack.
pub fn variables(
    service: &str,
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
    if let Some(policy) = policy {
        variables.insert(format!("{prefix}__POLICY__FILE"), policy.display().to_string());
    }
    variables
}

impl Stack {
    /// Starts everything; all six services serve when this returns.
    pub async fn start(options: StackOptions) -> Result<Self> {
        let begun = Instant::now();
        let servers =
            ServerOptions { durable: options.durable, root: options.root.clone(), ..ServerOptions::default() };
        let servers = tokio::task::spawn_blocking(move || Servers::start(servers)).await??;
        let client = chassis::connect_nats("local", &servers.nats_url().into()).await?;
        let (databases, ()) = tokio::try_join!(databases::make(&servers), async {
            chassis::provision(&client, PREFIX, STORAGE_MIB).await
        })?;
        let mut stack = Self {
            running: Vec::new(),
            processes: Processes::default(),
            endpoints: BTreeMap::new(),
            admin: BTreeMap::new(),
            databases,
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
                let settings = Settings::from(service.name, None, Some(variables))?;
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
        variables(
            service.name,
            &self.databases[service.name],
            &self.servers.nats_url(),
            &options.log,
            options.policy.as_deref(),
        )
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

    /// First token of every subject.
    pub fn prefix(&self) -> &str {
        PREFIX
    }

    /// Host, port and the address of each service's database.
    pub fn postgres(&self) -> BTreeMap<String, String> {
        let mut postgres = self.databases.clone();
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

    /// Stops one service of this process in order, as a roll-out would.
    pub async fn stop_service(&mut self, name: &str) -> Result<()> {
        let at = self.running.iter().position(|running| running.service() == name);
        let at = at.with_context(|| format!("{name} does not run in this process"))?;
        self.running.remove(at).stop().await
    }

    /// Starts a stopped service of this process again; it has a new address.
    pub async fn start_service(&mut self, name: &str, options: &StackOptions) -> Result<()> {
        let service = SERVICES.iter().find(|service| service.name == name).context("there is no such service")?;
        let settings = Settings::from(service.name, None, Some(self.variables(service, options)))?;
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
