//! A process of its own that starts servers and can be killed: this test binary, run again.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use local::{ServerOptions, Servers};

const SIGN: &str = "LOCAL_TEST_HOLD";

/// Another process that holds a pair of servers until told otherwise.
pub struct Launcher {
    pub process: Child,
    pub folder: PathBuf,
    /// Closed to make it end in good order.
    pub input: Option<ChildStdin>,
    /// Kept open: the test harness in there fails if nobody reads its last words.
    _output: BufReader<ChildStdout>,
}

impl Launcher {
    pub fn command(binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command.args(["--exact", "launcher::hold", "--nocapture"]);
        command.env(SIGN, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    pub fn start(mut command: Command) -> Launcher {
        let mut process = command.spawn().expect("the launcher runs");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        // The test harness prints the name of the test on the same line first.
        let folder = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("holding ")?.1.to_owned()))
            .expect("the launcher started its servers");
        let input = process.stdin.take();
        Launcher { process, folder: PathBuf::from(folder), input, _output: output }
    }

    pub fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

/// Not a test by itself: what `Launcher` runs.
#[test]
fn hold() {
    if env::var_os(SIGN).is_none() {
        return;
    }
    let servers = Servers::start(ServerOptions::default()).expect("servers start");
    println!("holding {}", servers.folder().display());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Processes that name `folder` in their command line, without zombies.
pub fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = fs::read_dir("/proc").expect("there is /proc").flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&folder))
        .collect()
}

/// Waits until `check` holds.
pub fn eventually(what: &str, check: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !check() {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
