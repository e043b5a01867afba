//! Redress to be broken: private servers, six services as processes, and a proxy in every link.
//!
//! ```text
//! workload --> front of a service --> replicas --> one proxy each --> PostgreSQL
//!                                              \-> one proxy each --> NATS
//! ```
//!
//! The checker looks at the same services and the same broker past the proxies. Nothing the rig starts outlives it.

pub mod broker;
pub mod database;
pub mod disk;
pub mod process;
mod recovery;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use chassis::topology;
use futures::future::try_join_all;
use local::secrets::Who;
use local::servers::port;
use local::stack::{self, PREFIX, databases};
use local::{SERVICES, Secrets, ServerOptions, Servers};

use crate::log::{Line, Log, Phase, now_ms};
use crate::proxy::{Mode, Proxy, Speaks};
use disk::Disk;
use process::Process;

/// How the rig is to be.
#[derive(Clone, Debug)]
pub struct RigOptions {
    /// Folder of the run: logs and what the checker reads.
    pub folder: PathBuf,
    /// The policy of the run: the shipped one with the shortest clocks.
    pub policy: PathBuf,
    /// Processes of each service.
    pub replicas: usize,
    /// The program that serves one service by `serve <service>`.
    pub program: PathBuf,
    /// Settings of every service, without the service's prefix: `LANES__COUNT`.
    pub settings: Vec<(String, String)>,
    /// Variables of every process, as they are: seeded bugs.
    pub variables: Vec<(String, String)>,
    /// What spoils a database: the service, and statements.
    pub spoil: Option<(&'static str, &'static str)>,
    /// Storage of all streams together, in MiB.
    pub storage_mib: u32,
    /// Connections PostgreSQL accepts.
    pub max_connections: u32,
    /// What lies on a small disk of its own, and how many MiB it has.
    pub disk: Option<(disk::Place, u32)>,
}

impl RigOptions {
    /// One replica each and everything as it is shipped.
    pub fn new(folder: PathBuf, policy: PathBuf, program: PathBuf) -> Self {
        Self {
            folder,
            policy,
            replicas: 1,
            program,
            settings: Vec::new(),
            variables: Vec::new(),
            spoil: None,
            storage_mib: stack::STORAGE_MIB,
            max_connections: 300,
            disk: None,
        }
    }
}

/// Redress, running and breakable.
pub struct Rig {
    // Dropped in this order: first who watches, then the services, then what they stand on.
    watcher: tokio::task::JoinHandle<()>,
    processes: Vec<Arc<Process>>,
    fronts: BTreeMap<&'static str, Proxy>,
    servers: Arc<Servers>,
    secrets: Secrets,
    disk: Option<Disk>,
    log: Log,
    complaints: Arc<Mutex<Vec<String>>>,
    options: RigOptions,
}

impl Rig {
    /// Starts everything; all processes are ready when this returns.
    pub async fn start(options: RigOptions, log: Log) -> Result<Self> {
        let server_options =
            ServerOptions { durable: true, max_connections: options.max_connections, ..ServerOptions::default() };
        let start = move || {
            let mut secrets = None;
            let servers = Servers::start_with(server_options, |folder| {
                stack::nats_users(secrets.insert(Secrets::make(&folder.join(stack::SECRETS))?), PREFIX, true)
            })?;
            anyhow::Ok((servers, secrets.context("there are no secrets")?))
        };
        let (servers, secrets) = tokio::task::spawn_blocking(start).await??;
        let servers = Arc::new(servers);
        let databases = async {
            let made = databases::make(&servers, &secrets, None).await?;
            if let Some((service, statements)) = options.spoil {
                database::spoil(&servers.postgres_url(service), statements).await?;
            }
            anyhow::Ok(made.into_keys().collect::<Vec<_>>())
        };
        let disk = match options.disk {
            Some((place @ disk::Place::Broker, mib)) => Some(Disk::put(place, mib, Arc::clone(&servers)).await?),
            Some(_) | None => None,
        };
        tokio::try_join!(databases, broker::provision(&servers, &secrets, options.storage_mib))?;
        let disk = match options.disk {
            Some((place @ (disk::Place::Heap | disk::Place::Wal), mib)) => {
                Some(Disk::put(place, mib, Arc::clone(&servers)).await?)
            }
            Some(_) | None => disk,
        };
        let processes = Self::processes(&options, &servers, &secrets, &log).await?;
        let fronts = try_join_all(SERVICES.iter().map(|service| {
            let targets = processes.iter().filter(|process| process.service == service.name);
            let targets = targets.map(|process| process.grpc).collect();
            async move { anyhow::Ok((service.name, Proxy::start(port::free()?, Speaks::Bytes, targets).await?)) }
        }));
        let fronts: BTreeMap<_, _> = fronts.await?.into_iter().collect();
        for process in &processes {
            process.start()?;
        }
        let complaints = Arc::default();
        let watcher = watch::start(&processes, &fronts, &complaints);
        let rig = Self { watcher, processes, fronts, servers, secrets, disk, log, complaints, options };
        rig.wait_ready(Duration::from_secs(60)).await?;
        rig.describe()?;
        Ok(rig)
    }

    async fn processes(
        options: &RigOptions,
        servers: &Servers,
        secrets: &Secrets,
        log: &Log,
    ) -> Result<Vec<Arc<Process>>> {
        let postgres = SocketAddr::from(([127, 0, 0, 1], servers.postgres_port()));
        let nats = servers.nats_url().trim_start_matches("nats://").parse()?;
        let each =
            SERVICES.iter().flat_map(|service| (0..options.replicas).map(move |replica| (service.name, replica)));
        let made = each.map(|(service, replica)| async move {
            let postgres = Proxy::start(port::free()?, Speaks::Postgres, vec![postgres]).await?;
            let nats = Proxy::start(port::free()?, Speaks::Nats, vec![nats]).await?;
            Process::new(options, secrets, log.clone(), service, replica, postgres, nats).map(Arc::new)
        });
        try_join_all(made).await
    }

    /// Tells the checker where everything is.
    fn describe(&self) -> Result<()> {
        let mut endpoints = BTreeMap::new();
        let mut admin: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for process in &self.processes {
            endpoints.entry(process.service).or_insert_with(|| format!("http://{}", process.grpc));
            admin.entry(process.service).or_default().push(format!("http://{}", process.admin));
        }
        let nats = self.nats_url(topology::OBSERVER)?;
        // The checker knows nothing of keys: it is handed the token of somebody who may read everything and change nothing.
        let ttl = Duration::from_secs(7 * 24 * 60 * 60);
        let token =
            self.secrets.token(&Who { subject: "checker", roles: &["auditor", "legal"], customer: None, ttl })?;
        let described = serde_json::json!({
            "endpoints": endpoints, "nats": nats, "prefix": PREFIX, "admin": admin, "token": token,
            "day_s": process::DAY_S,
        });
        std::fs::write(self.folder().join("stack.json"), described.to_string()).context("stack.json cannot be written")
    }

    /// Folder of the run.
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// Stable address of each service for callers.
    pub fn endpoints(&self) -> BTreeMap<String, String> {
        let each = self.fronts.iter();
        each.map(|(service, front)| ((*service).to_owned(), format!("http://{}", front.address()))).collect()
    }

    /// The link in front of a service.
    pub fn front(&self, service: &str) -> Option<&Proxy> {
        self.fronts.get(service)
    }

    /// Every process.
    pub fn all(&self) -> &[Arc<Process>] {
        &self.processes
    }

    /// The processes of a service.
    pub fn of(&self, service: &str) -> Vec<Arc<Process>> {
        self.processes.iter().filter(|process| process.service == service).cloned().collect()
    }

    /// The two servers.
    pub fn servers(&self) -> &Arc<Servers> {
        &self.servers
    }

    /// What this installation keeps secret.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Address of NATS for one of its users, past the proxies.
    pub fn nats_url(&self, user: &str) -> Result<String> {
        self.secrets.nats_url(&self.servers.nats_url(), user)
    }

    /// The small disk, where there is one.
    pub fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// Storage of all streams together, in MiB, as provisioned.
    pub fn storage_mib(&self) -> u32 {
        self.options.storage_mib
    }

    /// The log of the run.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Writes the beginning or the end of a fault down.
    pub fn note(&self, id: &str, what: &str, phase: Phase) -> Result<()> {
        self.log.write(&Line::Fault { at_ms: now_ms(), id: id.to_owned(), what: what.to_owned(), phase })
    }

    /// Something is wrong, and the checker cannot see it.
    pub fn complain(&self, text: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// What was wrong so far; also panics in the logs of the services.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for process in &self.processes {
            let text = std::fs::read_to_string(process.file()).unwrap_or_default();
            let panics = text.lines().filter(|line| line.contains("panicked at"));
            complaints.extend(panics.take(3).map(|line| format!("{process}: {line}")));
        }
        complaints
    }

    /// Sets the mode of every link.
    pub fn set_links(&self, mode: &Mode) {
        for process in &self.processes {
            process.postgres.set(mode.clone());
            process.nats.set(mode.clone());
        }
        self.fronts.values().for_each(|front| front.set(mode.clone()));
    }

    /// Makes everything whole again: links, servers, processes. Does not wait for them to be ready.
    pub async fn heal(&self) -> Result<()> {
        self.set_links(&Mode::Pass);
        if let Some(disk) = &self.disk {
            disk.clear()?;
        }
        self.resume_servers();
        let servers = Arc::clone(&self.servers);
        tokio::task::spawn_blocking(move || {
            servers.restart_postgres()?;
            servers.restart_nats()
        })
        .await??;
        for process in &self.processes {
            process.resume();
            process.forget_extra();
            process.start()?;
        }
        Ok(())
    }

    /// Waits until every process is ready.
    pub async fn wait_ready(&self, limit: Duration) -> Result<()> {
        let all = async {
            while self.processes.iter().any(|process| !process.is_ready()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(limit, all).await.is_ok() {
            return Ok(());
        }
        let unready = self.processes.iter().filter(|process| !process.is_ready());
        let unready: Vec<_> = unready.map(|process| format!("{process}: {}", process.last_words())).collect();
        anyhow::bail!("not ready after {limit:?}:\n{}", unready.join("\n"))
    }

    /// Ends everything at once: there is nothing to be kept.
    pub async fn stop(self) {
        self.watcher.abort();
        for process in &self.processes {
            process.kill_quietly();
        }
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.watcher.abort();
        for process in &self.processes {
            process.kill_quietly();
        }
        if let Some(disk) = self.disk.take() {
            // Who has files on it must be gone before it is taken away.
            self.servers.kill_postgres();
            self.servers.kill_nats();
            drop(disk);
        }
    }
}
