//! Nothing of `redress up` outlives it, however it ends.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{code, redress};

/// How long the kernel's word may take to have its effect.
const SOON: Duration = Duration::from_secs(5);

/// A process, told apart from a later one with the same id by when it started.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    started: u64,
    command: String,
}

impl Process {
    /// `None` if there is none, or only a zombie, which holds nothing.
    fn look(id: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before the fields is in parentheses and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let process = Self { id, parent: fields[1].parse().ok()?, started: fields[19].parse().ok()?, command };
        (!matches!(fields[0], "Z" | "X")).then_some(process)
    }

    fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| Self::look(entry.file_name().to_str()?.parse().ok()?)).collect()
    }

    fn lives(&self) -> bool {
        Self::look(self.id).is_some_and(|now| now.started == self.started)
    }

    /// Whether its command line or its environment names a folder.
    fn names(&self, folder: &Path) -> bool {
        let folder = folder.to_str().unwrap();
        let environment = fs::read(format!("/proc/{}/environ", self.id)).unwrap_or_default();
        self.command.contains(folder) || String::from_utf8_lossy(&environment).contains(folder)
    }
}

/// All that descend from a process: backends of a database have neither its command line nor its environment.
fn family(ancestor: u32) -> Vec<Process> {
    let all = Process::all();
    let mut ids = vec![ancestor];
    let mut family: Vec<Process> = Vec::new();
    while let Some(parent) = ids.pop() {
        let children: Vec<_> = all.iter().filter(|process| process.parent == parent).cloned().collect();
        ids.extend(children.iter().map(|process| process.id));
        family.extend(children);
    }
    family
}

/// `redress up` with a temp folder of its own, so that nobody else sweeps what it leaves.
struct Up(Child);

impl Up {
    /// Returns at once.
    fn begin(home: &Path, options: &[&str]) -> Self {
        // The servers may run under another account, which must get through.
        fs::set_permissions(home, Permissions::from_mode(0o755)).unwrap();
        let mut command = redress(&[&["up"], options, &["--output", "json"]].concat());
        command.env("XDG_RUNTIME_DIR", home).env("TMPDIR", home).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Returns when it has said that all services serve.
    fn start(home: &Path, options: &[&str]) -> Self {
        let mut up = Self::begin(home, options);
        let mut line = String::new();
        BufReader::new(up.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["services"].as_object().unwrap().len(), 6, "{json}");
        up
    }

    fn end(&mut self, signal: Signal) -> std::process::ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The data folders below a temp folder.
fn folders(home: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(home).unwrap().flatten().map(|entry| entry.path());
    paths.filter(|path| path.join("owner.pid").exists()).collect()
}

/// Waits until neither a process of a family lives nor one that names the temp folder.
fn nobody_is_left(home: &Path, family: &[Process]) {
    let killed = Instant::now();
    loop {
        let strays = Process::all().into_iter().filter(|process| process.names(home));
        let alive: Vec<_> = family.iter().filter(|process| process.lives()).cloned().chain(strays).collect();
        if alive.is_empty() {
            return;
        }
        assert!(killed.elapsed() < SOON, "still there after {SOON:?}: {alive:#?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Kills an installation without a word, and looks what is left of it and what the next one makes of that.
fn nothing_survives(options: &[&str], services: usize) {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let mut up = Up::start(home, options);
    let [left] = <[PathBuf; 1]>::try_from(folders(home)).unwrap();
    let family = family(up.0.id());
    let count = |part: &str| family.iter().filter(|process| process.command.contains(part)).count();
    // A backend just forked still has the command line of its server.
    assert!(count("postgres -D ") >= 1 && count("nats-server ") == 1, "{family:#?}");
    assert!(count("postgres: ") > 1, "the backends are not seen: {family:#?}");
    assert_eq!(count(" serve "), services, "{family:#?}");
    assert!(Process::all().iter().filter(|process| process.names(home)).count() >= 3 + services);

    up.end(Signal::SIGKILL);
    nobody_is_left(home, &family);
    assert!(left.exists(), "nobody was there to remove the folder");
    let lost = redress(&["claim", "list"]).env("XDG_RUNTIME_DIR", home).output().unwrap();
    assert_eq!(code(&lost), 5, "what is still announced does not answer: {lost:?}");

    let mut next = Up::start(home, options);
    assert!(!left.exists(), "the folder was not swept");
    assert_eq!(folders(home).len(), 1);
    assert!(next.end(Signal::SIGTERM).success());
    assert_eq!(folders(home), Vec::<PathBuf>::new());
}

#[test]
fn nothing_survives_a_kill() {
    nothing_survives(&[], 0);
}

#[test]
fn nothing_survives_a_kill_of_six_processes() {
    nothing_survives(&["--processes"], 6);
}

#[test]
fn nothing_survives_a_kill_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Up::begin(home.path(), &["--processes"]);
    let begun = Instant::now();
    // The services run, and wait for their database and the broker.
    let family = loop {
        let family = family(up.0.id());
        if family.iter().filter(|process| process.command.contains(" serve ")).count() == 6 {
            break family;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not start: {family:#?}");
    };
    up.end(Signal::SIGKILL);
    nobody_is_left(home.path(), &family);
}
