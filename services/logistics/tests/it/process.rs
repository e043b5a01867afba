//! The real binary.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_serves_and_stops_in_order() {
    let mut home = testkit::Home::new(&logistics::SERVICE).await;
    home.variables.push(("TELEMETRY__LOG".to_owned(), "info".to_owned()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_redress-logistics"))
        .arg("serve")
        .envs(home.environment())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut serving = false;
    while let Ok(Some(line)) = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap() {
        if line.contains("\"serving\"") {
            serving = true;
            break;
        }
    }
    assert!(serving);
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let status = tokio::time::timeout(Duration::from_secs(25), child.wait()).await.expect("it stops in time").unwrap();
    assert_eq!(status.code(), Some(0));
}
