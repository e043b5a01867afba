//! CPU and memory of the processes of the stand, from /proc.
//!
//! Everything the stand has started descends from this process. Who is who is told by the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Clock ticks of /proc in milliseconds: 100 a second on every Linux.
const TICK_MS: f64 = 10.0;

/// Who uses CPU.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// One of the six.
    Service(String),
    /// The server with all its backends.
    Postgres,
    /// The broker.
    Nats,
    /// This process; with the services in it, if they are.
    Driver,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Whose it is.
    pub group: Group,
    cpu_ms: f64,
}

/// CPU in milliseconds by process group.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Cpu {
    /// The six services.
    pub services: f64,
    /// PostgreSQL with all its backends.
    pub postgres: f64,
    /// NATS.
    pub nats: f64,
    /// The driver.
    pub driver: f64,
    /// Everything but the driver.
    pub without_driver: f64,
}

impl Cpu {
    /// What was used since `before`, divided by `parts`.
    pub fn since(&self, before: &Self, parts: f64) -> Self {
        let share = |now: f64, then: f64| (now - then) / parts;
        Self {
            services: share(self.services, before.services),
            postgres: share(self.postgres, before.postgres),
            nats: share(self.nats, before.nats),
            driver: share(self.driver, before.driver),
            without_driver: share(self.without_driver, before.without_driver),
        }
    }
}

/// This process and all that descend from it and are of the stand.
pub fn all() -> Vec<Process> {
    below(std::process::id())
}

/// The same below another process.
fn below(root: u32) -> Vec<Process> {
    let me = std::process::id();
    let mut rows = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended since.
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(stat) = Stat::parse(&text) {
            rows.insert(pid, stat);
        }
    }
    let mut found = Vec::new();
    for (&pid, stat) in &rows {
        if !descends(&rows, pid, root) {
            continue;
        }
        let group = if pid == me { Some(Group::Driver) } else { group(pid, &stat.name) };
        let Some(group) = group else { continue };
        // Backends that have ended count for the server, which has waited for them.
        let ended = if group == Group::Postgres { stat.children } else { 0.0 };
        found.push(Process { pid, group, cpu_ms: stat.own + ended });
    }
    found
}

/// CPU used so far.
pub fn cpu() -> Cpu {
    cpu_below(std::process::id())
}

/// CPU used so far by what a process has started.
pub fn cpu_below(root: u32) -> Cpu {
    let mut sum = Cpu::default();
    for process in below(root) {
        let slot = match process.group {
            Group::Service(_) => &mut sum.services,
            Group::Postgres => &mut sum.postgres,
            Group::Nats => &mut sum.nats,
            Group::Driver => &mut sum.driver,
        };
        *slot += process.cpu_ms;
    }
    sum.without_driver = sum.services + sum.postgres + sum.nats;
    sum
}

/// Resident memory of each service in MiB: now, and the most since [`forget_peaks`].
pub fn memory() -> BTreeMap<String, (f64, f64)> {
    let mut found = BTreeMap::new();
    for process in all() {
        let Group::Service(name) = process.group else { continue };
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap_or_default();
        let mib = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key))?;
            Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
        };
        found.insert(name, (mib("VmRSS:").unwrap_or(0.0), mib("VmHWM:").unwrap_or(0.0)));
    }
    found
}

/// Peaks count from now on, where the kernel allows it.
pub fn forget_peaks() {
    for process in all() {
        // Where it is forbidden the peak since the start is told, which is higher.
        let _ = fs::write(format!("/proc/{}/clear_refs", process.pid), "5");
    }
}

struct Stat {
    name: String,
    parent: u32,
    own: f64,
    children: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name stands in parentheses and may hold some itself.
        let (head, rest) = text.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        let (own, children) = (ticks(11)? + ticks(12)?, ticks(13)? + ticks(14)?);
        Some(Self { name, parent: fields.get(1)?.parse().ok()?, own: own * TICK_MS, children: children * TICK_MS })
    }
}

fn descends(rows: &BTreeMap<u32, Stat>, mut pid: u32, from: u32) -> bool {
    while pid != from {
        match rows.get(&pid) {
            Some(stat) if stat.parent != pid => pid = stat.parent,
            _ => return false,
        }
    }
    true
}

fn group(pid: u32, name: &str) -> Option<Group> {
    match name {
        "postgres" => return Some(Group::Postgres),
        name if name.starts_with("nats-server") => return Some(Group::Nats),
        _ => {}
    }
    let line = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("cmdline")).ok()?;
    let mut words = line.split('\0').skip_while(|word| *word != "serve").skip(1);
    let service = words.next()?;
    local::SERVICES.iter().any(|known| known.name == service).then(|| Group::Service(service.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses() {
        let line = "7 (a (b) c) S 3 7 7 0 -1 0 0 0 0 0 12 30 1 2 20 0 1 0 5 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.parent), ("a (b) c", 3));
        assert_eq!((stat.own, stat.children), (420.0, 30.0));
    }

    #[test]
    fn this_process_is_the_driver() {
        let me = all().into_iter().find(|process| process.pid == std::process::id()).unwrap();
        assert_eq!(me.group, Group::Driver);
    }
}
