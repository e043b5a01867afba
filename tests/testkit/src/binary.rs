//! The real binary of a service, as a process.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::Service;
use local::Secrets;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::Channel;

use crate::{Bearer, Home, PATIENCE, Wire, secrets};

/// A service that runs as a process of its own.
pub struct Process {
    /// Address of its gRPC port.
    pub grpc: SocketAddr,
    /// Address of its admin port.
    pub admin: SocketAddr,
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    /// Starts the binary of a service and waits until it serves. It must log at `info` at least.
    ///
    /// # Panics
    /// If it does not serve in time.
    pub async fn start(home: &Home, program: &str) -> Self {
        let mut command = Command::new(program);
        command.arg("serve").envs(home.environment()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the binary can be run");
        let said = Arc::new(Mutex::new(Vec::new()));
        keep(child.stdout.take().expect("it is piped"), &said);
        keep(child.stderr.take().expect("it is piped"), &said);
        let serving = async {
            loop {
                if let Some(ports) = ports(&said.lock().unwrap_or_else(PoisonError::into_inner)) {
                    return ports;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (grpc, admin) = tokio::time::timeout(PATIENCE, serving).await.expect("it serves in time");
        Self { grpc, admin, child, said }
    }

    /// A connection to it, on which every call has a token.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn channel(&self) -> Wire {
        let channel = Channel::from_shared(format!("http://{}", self.grpc)).expect("an address");
        Bearer::new(self.secrets()).on(channel.connect().await.expect("it answers"))
    }

    /// What it keeps secret.
    pub fn secrets(&self) -> &'static Secrets {
        secrets()
    }

    /// Its number.
    ///
    /// # Panics
    /// If it has ended.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// All that it has written to its outputs so far.
    pub fn said(&self) -> Vec<u8> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Panics
    /// If it does not stop in time.
    pub async fn stop(mut self) -> (ExitStatus, Vec<u8>) {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().await;
        assert!(sent.is_ok_and(|sent| sent.success()), "the signal was not sent");
        let ended = tokio::time::timeout(Duration::from_secs(25), self.child.wait()).await.expect("it stops in time");
        (ended.expect("it can be waited for"), self.said())
    }
}

/// Keeps what a process writes.
fn keep(mut output: impl tokio::io::AsyncRead + Send + Unpin + 'static, said: &Arc<Mutex<Vec<u8>>>) {
    let said = Arc::clone(said);
    tokio::spawn(async move {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = output.read(&mut bytes).await {
            said.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..count]);
        }
    });
}

/// The ports that the log tells of.
fn ports(said: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    said.split(|byte| *byte == b'\n').filter(|line| line.windows(9).any(|part| part == b"\"serving\"")).find_map(
        |line| {
            let line: serde_json::Value = serde_json::from_slice(line).ok()?;
            let port = |name: &str| line["fields"][name].as_str()?.parse().ok();
            Some((port("grpc")?, port("admin")?))
        },
    )
}

/// Starts a service's binary, waits until it serves, sends SIGTERM and gives how it ended.
///
/// # Panics
/// If it does not serve, or does not end in time.
pub async fn serve_and_stop(service: &'static Service, program: &str) -> ExitStatus {
    let mut home = Home::new(service).await;
    home.variables.push(("TELEMETRY__LOG".to_owned(), "info".to_owned()));
    let mut command = Command::new(program);
    command.arg("serve").envs(home.environment()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("the binary can be run");
    let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let serving = async {
        while let Some(line) = log.next_line().await.expect("its log is text") {
            if line.contains("\"serving\"") {
                return;
            }
        }
        panic!("it ended before it served");
    };
    tokio::time::timeout(PATIENCE, serving).await.expect("it serves in time");
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill is there");
    assert!(sent.success(), "the signal was not sent");
    // Its log is read to the end: a full pipe would hold it up.
    let rest = async { while let Ok(Some(_)) = log.next_line().await {} };
    let end = async { tokio::join!(child.wait(), rest).0.expect("it can be waited for") };
    tokio::time::timeout(Duration::from_secs(25), end).await.expect("it stops in time")
}
