//! The real binary: it serves, and it stops in order.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use testkit::Home;

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_and_stops_in_order() {
    let home = Home::new(&orchestrator::SERVICE).await;
    let mut variables = home.environment();
    variables.retain(|(key, _)| !key.ends_with("TELEMETRY__LOG"));
    variables.push(("REDRESS_ORCHESTRATOR__TELEMETRY__LOG".to_owned(), "info".to_owned()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_redress-orchestrator"))
        .envs(variables)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let log = BufReader::new(child.stderr.take().unwrap());
    let code = tokio::task::spawn_blocking(move || {
        let mut lines = log.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("serving")), "it never served");
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        lines.for_each(drop);
        child.wait().unwrap().code()
    });
    assert_eq!(code.await.unwrap(), Some(0));
}
