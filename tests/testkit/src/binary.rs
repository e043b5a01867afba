//! The real binary of a service, as a process.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chassis::Service;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::{Home, PATIENCE};

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
