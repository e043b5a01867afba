//! The services as processes of their own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use crate::servers::child::Running;
use crate::servers::{nats, port};

/// One service in a process of its own.
pub(super) struct Process {
    pub service: &'static str,
    pub grpc: SocketAddr,
    pub admin: SocketAddr,
    running: Running,
}

/// All of them; stopped when dropped.
#[derive(Default)]
pub(super) struct Processes(Vec<Process>);

impl Processes {
    /// Starts each service by `program serve <service>`; all are ready when this returns.
    pub fn start(
        program: &Path,
        folder: &Path,
        services: Vec<(&'static str, impl IntoIterator<Item = (String, String)>)>,
    ) -> Result<Self> {
        let mut processes = Self::default();
        for (service, variables) in services {
            let (grpc, admin) = (free()?, free()?);
            let prefix = format!("REDRESS_{}", service.to_uppercase());
            let mut command = Command::new(program);
            // Six services share the machine: more threads would only wake each other.
            if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
                command.env("TOKIO_WORKER_THREADS", "1");
            }
            command.args(["serve", service]).envs(variables);
            command.env(format!("{prefix}__GRPC__LISTEN"), grpc.to_string());
            command.env(format!("{prefix}__ADMIN__LISTEN"), admin.to_string());
            let log = folder.join(format!("{service}.log"));
            // If we die, SIGKILL: the servers die with us, and an ordered end would only wait for them.
            let running = Running::start(command, &log, Signal::SIGTERM, Signal::SIGKILL)?;
            processes.0.push(Process { service, grpc, admin, running });
        }
        for process in &mut processes.0 {
            let admin = process.admin;
            let log = folder.join(format!("{}.log", process.service));
            let ready = process.running.wait_until(Duration::from_secs(20), &log, |_| is_ready(admin));
            ready.with_context(|| format!("{} did not start", process.service))?;
        }
        Ok(processes)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.0.iter()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // All are asked before any is waited for.
        self.0.iter().for_each(|process| process.running.ask_to_stop());
    }
}

fn free() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], port::free()?)))
}

fn is_ready(admin: SocketAddr) -> bool {
    let answer = nats::get(admin.port(), "/readyz").unwrap_or_default();
    answer.lines().next().is_some_and(|status| status.contains(" 200 "))
}
