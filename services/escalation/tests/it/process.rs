//! The real binary starts, serves and stops in order.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_stops_in_order() {
    let mut home = testkit::Home::new(&escalation::SERVICE).await;
    home.variables = [("TELEMETRY__LOG", "info"), ("GRPC__LISTEN", "127.0.0.1:0"), ("ADMIN__LISTEN", "127.0.0.1:0")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
    let mut child = Command::new(env!("CARGO_BIN_EXE_redress-escalation"))
        .envs(home.environment())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let pid = child.id().to_string();
    let stopped = tokio::task::spawn_blocking(move || {
        let mut lines = stderr.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("serving")), "it never served");
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        lines.for_each(drop);
        child.wait().unwrap()
    });
    assert!(stopped.await.unwrap().success());
}
