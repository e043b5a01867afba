//! What a run found: one table for people, one object for programs.

use std::collections::BTreeMap;
use std::fs;

use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::b6::Baseline;
use crate::point::Measured;
use crate::processes::Cpu;
use crate::stand::Stand;

/// Runs whose baseline differs more from before to after are told to be unsteady.
const DRIFT_MAX: f64 = 0.15;

/// Where it was measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Machine {
    /// Processor.
    pub cpu: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Version of PostgreSQL.
    pub postgres: String,
    /// Version of NATS.
    pub nats: String,
    /// Whether the services were processes of their own, built for release, on a disk.
    pub warnings: Vec<String>,
}

impl Machine {
    /// The machine and the servers of a stand.
    pub fn of(stand: &Stand) -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let mut warnings = Vec::new();
        if stand.options.in_process {
            warnings.push("the services run in this process, without durability: the figures mean nothing".to_owned());
        }
        if cfg!(debug_assertions) {
            warnings.push("this is a debug build: the figures mean nothing".to_owned());
        }
        if in_memory(stand.stack.servers().folder()) {
            warnings.push("the data lie in memory: a commit costs no disk write; set TMPDIR to a disk".to_owned());
        }
        Self {
            cpu: model.map_or_else(String::new, |(_, model)| model.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            postgres: stand.stack.servers().postgres_version(),
            nats: stand.stack.servers().nats_version(),
            warnings,
        }
    }
}

/// Whether a folder is on a file system without a disk: the longest mount point above it decides.
fn in_memory(folder: &std::path::Path) -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (point, kind) = (words.nth(1)?, words.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    above.max().is_some_and(|(_, kind)| kind == "tmpfs" || kind == "ramfs")
}

/// Resident memory of a service in MiB.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Memory {
    /// After the start.
    pub idle: f64,
    /// The most during the points.
    pub peak: f64,
}

impl Memory {
    /// From two readings of `processes::memory`.
    pub fn table(idle: &BTreeMap<String, (f64, f64)>, end: &BTreeMap<String, (f64, f64)>) -> BTreeMap<String, Self> {
        let row = |(name, (_, peak)): (&String, &(f64, f64))| {
            (name.clone(), Self { idle: idle.get(name).map_or(0.0, |(now, _)| *now), peak: *peak })
        };
        end.iter().map(row).collect()
    }
}

/// What a run found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Who measured B6.
    pub b6_by: String,
    /// B6: the mean of before and after.
    pub b6_claims_per_s: f64,
    /// B6 before the points.
    pub b6_before: f64,
    /// B6 after them.
    pub b6_after: f64,
    /// Whether the two differ by so much that the run should not count.
    pub unsteady: bool,
    /// Median latency of one raw commit of one client, in milliseconds.
    pub raw_commit_ms: f64,
    /// The best closed point.
    pub best: Option<String>,
    /// Its throughput.
    pub claims_per_s: Option<f64>,
    /// Its throughput divided by B6.
    pub ratio: Option<f64>,
    /// Its commits for each claim.
    pub commits_per_claim: Option<f64>,
    /// Its messages for each claim.
    pub messages_per_claim: Option<f64>,
    /// Its CPU for each claim.
    pub cpu_ms_per_claim: Option<Cpu>,
    /// Every point.
    pub points: Vec<Measured>,
    /// Memory by service.
    pub memory_mib: BTreeMap<String, Memory>,
    /// What grew or broke.
    pub growth: BTreeMap<String, Value>,
    /// Runs that the figures are the middle of.
    pub runs: usize,
    /// Claims that were closed in the whole run.
    pub claims: u64,
    /// Calls of the driver that were made once more.
    pub calls_repeated: u64,
    /// How long the run took.
    pub seconds: f64,
    /// What is wrong; a run with any has failed.
    pub problems: Vec<String>,
}

impl Report {
    /// A report of points; the rest is filled in.
    pub fn new(machine: Machine, b6: (Baseline, Baseline), raw_commit_ms: f64, points: Vec<Measured>) -> Self {
        let (before, after) = (b6.0.claims_per_s, b6.1.claims_per_s);
        let mean = f64::midpoint(before, after);
        let closed = points.iter().filter(|point| point.offered_per_s.is_none());
        let best = closed.max_by(|a, b| a.claims_per_s.total_cmp(&b.claims_per_s));
        Self {
            machine,
            b6_by: b6.0.by,
            b6_claims_per_s: mean,
            b6_before: before,
            b6_after: after,
            unsteady: (before - after).abs() > DRIFT_MAX * mean,
            raw_commit_ms,
            best: best.map(|best| best.point.clone()),
            claims_per_s: best.map(|best| best.claims_per_s),
            ratio: best.map(|best| best.claims_per_s / mean),
            commits_per_claim: best.map(|best| best.commits_per_claim),
            messages_per_claim: best.map(|best| best.messages_per_claim),
            cpu_ms_per_claim: best.map(|best| best.cpu_ms_per_claim),
            points,
            memory_mib: BTreeMap::new(),
            growth: BTreeMap::new(),
            runs: 1,
            claims: 0,
            calls_repeated: 0,
            seconds: 0.0,
            problems: Vec::new(),
        }
    }

    /// One object.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the report is plain data")
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} · {} cores · PostgreSQL {} · NATS {}\nB6 {:.0} claims/s (before {:.0}, after {:.0}, by {}) · raw commit {:.3} ms\n",
            self.machine.cpu,
            self.machine.cores,
            self.machine.postgres,
            self.machine.nats,
            self.b6_claims_per_s,
            self.b6_before,
            self.b6_after,
            self.b6_by,
            self.raw_commit_ms
        );
        if self.unsteady {
            text += "B6 before and after differ by more than 15 %: do not count this run\n";
        }
        if let (Some(best), Some(rate), Some(ratio)) = (&self.best, self.claims_per_s, self.ratio) {
            text += &format!("best {best}: {rate:.1} claims/s = {ratio:.3} of B6\n");
        }
        if !self.points.is_empty() {
            text += &format!("{}\n", self.rows());
        }
        for (service, memory) in &self.memory_mib {
            text += &format!("{service}: {:.0} MiB idle, {:.0} MiB at peak\n", memory.idle, memory.peak);
        }
        for (name, figures) in &self.growth {
            text += &format!("{name}: {figures}\n");
        }
        let verdict = if self.problems.is_empty() { "all closed, everything adds up" } else { "WRONG" };
        let of = if self.runs > 1 { format!("{} runs, the middle of each figure; ", self.runs) } else { String::new() };
        text + &format!("{of}{} claims in {:.0} s: {verdict}", self.claims, self.seconds)
    }

    fn rows(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN).set_header([
            "point",
            "claims/s",
            "÷ B6",
            "ack p50/p90/p99 ms",
            "closed p50/p90/p99 ms",
            "commits (writing)",
            "messages",
            "CPU ms: services + PG + NATS",
            "driver",
        ]);
        for point in &self.points {
            let (ack, closed, cpu) = (point.ack_ms, point.closed_ms, point.cpu_ms_per_claim);
            table.add_row([
                point.point.clone(),
                format!("{:.1}", point.claims_per_s),
                format!("{:.3}", point.claims_per_s / self.b6_claims_per_s),
                format!("{:.1} / {:.1} / {:.1}", ack.p50, ack.p90, ack.p99),
                format!("{:.1} / {:.1} / {:.1}", closed.p50, closed.p90, closed.p99),
                format!("{:.1} ({:.1})", point.commits_per_claim, point.write_commits_per_claim),
                format!("{:.1}", point.messages_per_claim),
                format!("{:.2} + {:.2} + {:.2} = {:.2}", cpu.services, cpu.postgres, cpu.nats, cpu.without_driver),
                format!("{:.2}", cpu.driver),
            ]);
        }
        table
    }
}
