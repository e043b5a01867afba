//! Child processes that cannot outlive us.
//!
//! Each child is a process group of its own, so that Ctrl-C at a terminal reaches us and not it, and
//! we decide the order. If we die without a word (`kill -9`), the kernel sends the child the signal
//! agreed with it before. The kernel does so when the *thread* that made the child ends; therefore all
//! children are made by one thread that lives as long as the process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};

const POLL: Duration = Duration::from_millis(3);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

type Order = (Command, Sender<io::Result<Child>>);

static SPAWNER: LazyLock<Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = channel::<Order>();
    thread::Builder::new()
        .name("spawner".to_owned())
        .spawn(move || {
            for (mut command, reply) in inbox {
                // A caller that has gone away has no use for the child either.
                if let Err(unclaimed) = reply.send(command.spawn())
                    && let Ok(mut child) = unclaimed.0
                {
                    let _ = child.kill();
                }
            }
        })
        .expect("a process can make one more thread");
    orders
});

/// A child that is stopped when dropped.
pub struct Running {
    child: Child,
    stop_with: Signal,
}

impl Running {
    /// Starts `command`; its output goes to the end of `log`. `stop_with` is what makes it stop in good
    /// order, `on_death` what the kernel sends if we die first.
    pub fn start(mut command: Command, log: &Path, stop_with: Signal, on_death: Signal) -> Result<Running> {
        let log = open_log(log)?;
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        die_with_us(&mut command, on_death);
        let program = command.get_program().to_owned();
        let (reply, answer) = channel();
        SPAWNER.send((command, reply)).expect("the spawner never ends");
        let child = answer
            .recv()
            .expect("the spawner answers each order")
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Running { child, stop_with })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until `ready` says so; fails early if the child ends, with the end of its log.
    pub fn wait_until(&mut self, timeout: Duration, log: &Path, ready: impl Fn(u32) -> bool) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while !ready(self.pid()) {
            if let Some(status) = self.ended()? {
                bail!("it ended at once ({status}); its log ends:\n{}", tail(log));
            }
            if Instant::now() > deadline {
                bail!("it was not ready after {timeout:?}; its log ends:\n{}", tail(log));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Asks it to stop and does not wait.
    pub fn ask_to_stop(&self) {
        send(self.pid(), self.stop_with);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits until it has ended, and says how; fails when the time is up.
    pub fn wait_end(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("process {} did not end within {timeout:?}", self.pid());
            }
            thread::sleep(POLL);
        }
    }

    /// Kills it and its own children at once, and returns when they are gone.
    pub fn kill(mut self) {
        self.kill_family();
    }

    fn kill_family(&mut self) {
        // Halted first, so that it makes no child between our look and the kill.
        send(self.pid(), Signal::SIGSTOP);
        let children = children_of(self.pid());
        send(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
        for child in &children {
            send(*child, Signal::SIGKILL);
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while children.iter().any(|child| is_alive(*child)) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.ask_to_stop();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                return self.kill_family();
            }
            thread::sleep(POLL);
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the only way to run code between fork and exec; both calls in it are async-signal-safe"
)]
fn die_with_us(command: &mut Command, signal: Signal) {
    let us = Pid::this();
    // SAFETY: the closure makes two system calls and touches neither memory nor locks of others.
    unsafe {
        command.pre_exec(move || {
            set_pdeathsig(signal)?;
            // If we died before that call, no signal will ever come.
            if getppid() != us { Err(Errno::ESRCH.into()) } else { Ok(()) }
        });
    }
}

/// Runs a helper program to its end and returns what it printed; on failure, its complaint.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", program.display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}): {}", program.display(), output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines of a log.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("cannot write {}", path.display()))
}

fn send(pid: u32, signal: Signal) {
    // A process that is gone already is what we want.
    let _ = kill(Pid::from_raw(pid as i32), signal);
}

fn children_of(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|(_, its_parent)| its_parent == parent))
        .collect()
}

fn is_alive(pid: u32) -> bool {
    // A zombie holds nothing any more; who reaps it is not our business.
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// State and parent of a process. The name before them is in parentheses and may hold anything.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}
