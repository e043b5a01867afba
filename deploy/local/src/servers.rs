//! A private pair of PostgreSQL and NATS, as children of this process.
//!
//! `Servers::start` finds both programs (or fetches them once, see `find`), makes a folder, starts
//! them side by side on free ports of 127.0.0.1 and returns when both answer. Dropping the value
//! stops both and removes the folder. If the process is killed instead, the kernel stops them (see
//! `child`) and the next start removes the folder (see `folder`).
//!
//! The environment is asked for: `PG_BIN` (folder with `initdb` and `postgres`), `NATS_SERVER`
//! (the program), `REDRESS_CACHE` (where fetched programs are kept), `REDRESS_FETCH` (`never` to
//! forbid downloads, `always` to ignore what is installed).

mod account;
mod cache;
pub mod child;
mod cluster;
mod fetch;
mod find;
mod folder;
mod kept;
pub(crate) mod nats;
pub mod port;
mod postgres;
#[cfg(feature = "stack")]
pub(crate) mod prepared;
mod version;

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use nix::sys::signal::Signal;

use account::Account;
use find::Sources;
use folder::Folder;
use nats::Nats;
use postgres::Postgres;

/// How the pair is to run.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Whether PostgreSQL survives a loss of power: off for tests, on for benches and the demo.
    pub durable: bool,
    /// Where the data lives. A folder given here is kept, and continued at the next start; without
    /// one, a fresh folder below the temp folder is used and removed in the end.
    pub root: Option<PathBuf>,
    /// Connections PostgreSQL accepts.
    pub max_connections: u32,
    /// A cluster that is copied where the folder has none yet; without one, an empty cluster is.
    pub cluster: Option<PathBuf>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions { durable: false, root: None, max_connections: 300, cluster: None }
    }
}

/// A running PostgreSQL and a running NATS server, until dropped.
pub struct Servers {
    // Fields drop in this order: the folder goes when nobody writes to it any more.
    postgres: Postgres,
    nats: Nats,
    folder: Folder,
    account: Option<Account>,
}

impl Servers {
    /// Starts both and returns when both answer. Blocks; does not need a Tokio runtime.
    ///
    /// This broker asks nobody who they are: see [`Servers::start_with`].
    pub fn start(options: ServerOptions) -> Result<Servers> {
        Self::start_with(options, |_| Ok(String::new()))
    }

    /// The same with users of the broker: `users` gets the folder, and gives a part of the broker's configuration.
    pub fn start_with(options: ServerOptions, users: impl FnOnce(&Path) -> Result<String>) -> Result<Servers> {
        folder::sweep();
        let sources = Sources::from_environment()?;
        let (postgres_program, nats_program) = both(|| find::postgres(&sources), || find::nats(&sources))?;
        // Only now: installing the system package may have made the account.
        let account = Account::for_servers()?;
        let folder = Folder::create(options.root.as_deref(), account.as_ref())?;
        let users = users(folder.path())?;
        let (postgres, nats) = both(
            || Postgres::start(postgres_program, folder.path(), account.as_ref(), &options, &sources.cache),
            || Nats::start(nats_program, folder.path(), account.as_ref(), users),
        )?;
        Ok(Servers { postgres, nats, folder, account })
    }

    /// Address of a database for the superuser, with the password: for what operators and tests do, never for a
    /// service.
    pub fn postgres_url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@{}/{database}", self.postgres.password(), self.postgres_address())
    }

    /// Password of the superuser.
    pub fn postgres_password(&self) -> &str {
        self.postgres.password()
    }

    /// Host and port PostgreSQL listens on.
    pub fn postgres_address(&self) -> String {
        format!("{}:{}", self.postgres_host(), self.postgres_port())
    }

    /// Host PostgreSQL listens on.
    pub fn postgres_host(&self) -> &str {
        port::HOST
    }

    /// Port PostgreSQL listens on; stays the same through kill and restart.
    pub fn postgres_port(&self) -> u16 {
        self.postgres.port()
    }

    /// Address of NATS for clients; stays the same through kill and restart.
    pub fn nats_url(&self) -> String {
        format!("nats://{}:{}", port::HOST, self.nats.ports().client)
    }

    /// Address of the NATS monitoring pages.
    pub fn nats_monitor_url(&self) -> String {
        format!("http://{}:{}", port::HOST, self.nats.ports().monitor)
    }

    /// The folder with data and logs (`postgres.log`, `nats.log`).
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills PostgreSQL and all its backends at once, as a crash would. Does nothing if it is dead.
    pub fn kill_postgres(&self) {
        self.postgres.kill();
    }

    /// Starts PostgreSQL again on the same port and data; does nothing if it is running.
    pub fn restart_postgres(&self) -> Result<()> {
        self.postgres.restart()
    }

    /// Kills NATS at once, as a crash would. Does nothing if it is dead.
    pub fn kill_nats(&self) {
        self.nats.kill();
    }

    /// Starts NATS again on the same ports and data; does nothing if it is running.
    pub fn restart_nats(&self) -> Result<()> {
        self.nats.restart()
    }

    /// Process id of the postmaster, while it runs.
    pub fn postgres_pid(&self) -> Option<u32> {
        self.postgres.kept().pid()
    }

    /// Folder with the data of PostgreSQL.
    pub fn postgres_data(&self) -> &Path {
        self.postgres.data()
    }

    /// Stops PostgreSQL with a signal and waits for its end: SIGINT is a fast shutdown, SIGQUIT an immediate one.
    pub fn stop_postgres(&self, signal: Signal) -> Result<()> {
        self.postgres.kept().stop(signal)
    }

    /// Process id of NATS, while it runs.
    pub fn nats_pid(&self) -> Option<u32> {
        self.nats.kept().pid()
    }

    /// Folder in which NATS keeps its streams.
    pub fn nats_store(&self) -> PathBuf {
        self.nats.store()
    }

    /// Changes who may do what on the broker while it runs: a part of its configuration, as in [`Servers::start_with`].
    pub fn set_nats_users(&self, users: String) -> Result<()> {
        self.nats.set_users(users)
    }

    /// Stops NATS in order and waits for its end.
    pub fn stop_nats(&self) -> Result<()> {
        self.nats.kept().stop(Signal::SIGTERM)
    }

    /// Gives a folder that was made next to the servers' own to the account they run as.
    pub fn give(&self, path: &Path) -> Result<()> {
        account::give(path, self.account.as_ref())
    }

    /// Version of PostgreSQL, for instance `15.18`.
    pub fn postgres_version(&self) -> String {
        self.postgres.program().version.to_string()
    }

    /// Version of the NATS server, for instance `2.15.1`.
    pub fn nats_version(&self) -> String {
        self.nats.program().version.to_string()
    }

    /// Folder with the PostgreSQL programs in use.
    pub fn postgres_programs(&self) -> &Path {
        &self.postgres.program().path
    }

    /// The NATS server program in use.
    pub fn nats_program(&self) -> &Path {
        &self.nats.program().path
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Both are asked before the fields are dropped, which waits: they end side by side.
        self.postgres.ask_to_stop();
        self.nats.ask_to_stop();
    }
}

/// Runs two pieces of work side by side; the first failure wins, after both have ended.
fn both<A, B: Send>(first: impl FnOnce() -> Result<A>, second: impl FnOnce() -> Result<B> + Send) -> Result<(A, B)> {
    thread::scope(|scope| {
        let second = scope.spawn(second);
        let first = first();
        let second = second.join().expect("starting a server does not panic");
        Ok((first?, second?))
    })
}
