//! The NATS server as a child: start, readiness, crash and restart.
//!
//! Ready means that the server wrote its ports file (which carries its process id, so it is our child
//! that got the ports) and that its health page says JetStream is up.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::account::{self, Account};
use super::child::Running;
use super::find::Program;
use super::kept::{Kept, is_port_taken};
use super::port;
use crate::secrets;

const READY_TIMEOUT: Duration = Duration::from_secs(60);
const PORTS_TRIED: usize = 8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) client: u16,
    pub(super) monitor: u16,
}

pub(super) struct Nats {
    program: Program,
    account: Option<Account>,
    home: PathBuf,
    log: PathBuf,
    ports: Ports,
    /// Who may do what: a part of its configuration.
    users: Mutex<String>,
    kept: Kept,
}

impl Nats {
    pub(super) fn start(program: Program, folder: &Path, account: Option<&Account>, users: String) -> Result<Nats> {
        let home = folder.join("nats");
        DirBuilder::new().mode(0o700).recursive(true).create(&home)?;
        account::give(&home, account)?;
        let mut nats = Nats {
            program,
            account: account.cloned(),
            home,
            log: folder.join("nats.log"),
            ports: Ports { client: 0, monitor: 0 },
            users: Mutex::new(users),
            kept: Kept::empty(),
        };
        for attempt in 1.. {
            nats.ports = Ports { client: port::free()?, monitor: port::free()? };
            match nats.launch() {
                Ok(running) => {
                    nats.kept.keep(running);
                    break;
                }
                Err(error) if attempt == PORTS_TRIED || !is_port_taken(&error) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(nats)
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn ports(&self) -> Ports {
        self.ports
    }

    pub(super) fn ask_to_stop(&self) {
        self.kept.ask_to_stop();
    }

    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(super) fn store(&self) -> PathBuf {
        self.home.join("store")
    }

    pub(super) fn kill(&self) {
        self.kept.kill();
    }

    pub(super) fn restart(&self) -> Result<()> {
        self.kept.restart(|| self.launch())
    }

    /// Changes who may do what, while it runs.
    pub(super) fn set_users(&self, users: String) -> Result<()> {
        *self.users.lock().unwrap_or_else(PoisonError::into_inner) = users;
        self.configure()?;
        self.kept.signal(Signal::SIGHUP);
        Ok(())
    }

    /// Writes its configuration. It holds passwords, and an address that others can see in the list of processes must not.
    fn configure(&self) -> Result<PathBuf> {
        let file = self.home.join("nats.conf");
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let mut text = String::new();
        writeln!(text, "host: {}\nport: {}", port::HOST, self.ports.client)?;
        writeln!(text, "http: \"{}:{}\"", port::HOST, self.ports.monitor)?;
        writeln!(text, "jetstream {{ store_dir: {} }}", quoted(&self.store()))?;
        writeln!(text, "ports_file_dir: {}", quoted(&self.home))?;
        text.push_str(&self.users.lock().unwrap_or_else(PoisonError::into_inner));
        secrets::write(&file, text.as_bytes())?;
        account::give(&file, self.account.as_ref())?;
        Ok(file)
    }

    fn launch(&self) -> Result<Running> {
        self.forget_ports_files()?;
        let configuration = self.configure()?;
        let mut command = self.program.command(&self.program.path, self.account.as_ref());
        command.current_dir(&self.home).arg("-c").arg(configuration);
        // Without a log file it logs to stderr, which is ours: what it says before it reads its configuration is then
        // there, too.
        let start = Running::start(command, &self.log, Signal::SIGTERM, Signal::SIGTERM);
        let mut running = start.context("cannot start nats-server")?;
        running
            .wait_until(READY_TIMEOUT, &self.log, |pid| self.has_ports(pid) && is_healthy(self.ports.monitor))
            .context("nats-server did not start")?;
        Ok(running)
    }

    /// Those of a server that was killed stay, and its process id may come again.
    fn forget_ports_files(&self) -> Result<()> {
        for entry in fs::read_dir(&self.home)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "ports") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// The file is named after the program, then the process id.
    fn has_ports(&self, pid: u32) -> bool {
        let ending = format!("_{pid}.ports");
        let entries = fs::read_dir(&self.home).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(&ending))
    }
}

fn is_healthy(monitor: u16) -> bool {
    get(monitor, "/healthz?js-enabled-only=true")
        .is_ok_and(|reply| reply.starts_with("HTTP/1.0 200") || reply.starts_with("HTTP/1.1 200"))
}

/// Asks a page of a server on this machine; gives the whole answer.
pub(crate) fn get(port: u16, page: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect((port::HOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {page} HTTP/1.0\r\nHost: {}\r\n\r\n", port::HOST)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}
