//! PostgreSQL as a child: start, readiness, crash and restart.
//!
//! Ready means that PostgreSQL itself says so in line 8 of `postmaster.pid`, and that line 1 of it is
//! our child: neither a client library nor a password is needed, and no other server can be mistaken
//! for ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::ServerOptions;
use super::account::Account;
use super::child::Running;
use super::cluster;
use super::find::Program;
use super::kept::{Kept, is_port_taken};
use super::port;

/// Recovery of a large kept cluster after a crash takes its time.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const PORTS_TRIED: usize = 8;
/// What fits into the address of a Unix socket, less the name of the socket file.
const SOCKET_FOLDER_MAX: usize = 107 - "/.s.PGSQL.65535.lock".len();

pub(super) struct Postgres {
    program: Program,
    account: Option<Account>,
    data: PathBuf,
    log: PathBuf,
    settings: Vec<String>,
    password: String,
    port: u16,
    kept: Kept,
}

impl Postgres {
    pub(super) fn start(
        program: Program,
        folder: &Path,
        account: Option<&Account>,
        options: &ServerOptions,
        cache: &Path,
    ) -> Result<Postgres> {
        let data = folder.join("pg");
        if !data.join("PG_VERSION").exists() {
            cluster::create(&program, &data, account, cache, options)?;
        }
        let mut postgres = Postgres {
            password: cluster::password(&data)?,
            program,
            account: account.cloned(),
            data,
            log: folder.join("postgres.log"),
            settings: settings(folder, options),
            port: 0,
            kept: Kept::empty(),
        };
        for attempt in 1.. {
            postgres.port = port::free()?;
            match postgres.launch() {
                Ok(running) => {
                    postgres.kept.keep(running);
                    break;
                }
                Err(error) if attempt == PORTS_TRIED || !is_port_taken(&error) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(postgres)
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    pub(super) fn ask_to_stop(&self) {
        self.kept.ask_to_stop();
    }

    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn kill(&self) {
        self.kept.kill();
    }

    pub(super) fn restart(&self) -> Result<()> {
        self.kept.restart(|| self.launch())
    }

    fn launch(&self) -> Result<Running> {
        let mut command = self.program.command(&self.program.path.join("postgres"), self.account.as_ref());
        command.current_dir(&self.data).arg("-D").arg(&self.data);
        command.args(["-h", port::HOST, "-p", &self.port.to_string()]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        // SIGINT: drop the clients and shut down in order. If we die, SIGQUIT: nobody waits for order.
        let start = Running::start(command, &self.log, Signal::SIGINT, Signal::SIGQUIT);
        let mut running = start.context("cannot start PostgreSQL")?;
        let state = self.data.join("postmaster.pid");
        running
            .wait_until(READY_TIMEOUT, &self.log, |pid| is_ready(&state, pid))
            .context("PostgreSQL did not start")?;
        Ok(running)
    }
}

fn settings(folder: &Path, options: &ServerOptions) -> Vec<String> {
    let mut settings = vec![
        format!("max_connections={}", options.max_connections),
        format!("unix_socket_directories={}", socket_folder(folder)),
    ];
    settings.extend(COMMON.map(str::to_owned));
    if !options.durable {
        settings.extend(FORGETFUL.map(str::to_owned));
    }
    settings
}

const COMMON: [&str; 8] = [
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "timezone=UTC",
    "log_timezone=UTC",
    // A test that hangs in a transaction, or a client that was killed, must not hold locks for ever.
    "idle_in_transaction_session_timeout=60s",
    "client_connection_check_interval=10s",
    "log_line_prefix=%m [%p] %d ",
    "logging_collector=off",
];

const FORGETFUL: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
];

/// We only use TCP, so where the path is too long for a socket there is none.
fn socket_folder(folder: &Path) -> String {
    let path = folder.to_string_lossy();
    let usable = path.len() <= SOCKET_FOLDER_MAX && !path.contains([',', '"']);
    if usable { path.into_owned() } else { String::new() }
}

fn is_ready(state: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(state).unwrap_or_default();
    let mut lines = text.lines();
    let is_ours = lines.next().is_some_and(|line| line.trim() == pid.to_string());
    is_ours && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}
