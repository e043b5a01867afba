//! What operators see of certificates and keys, before callers feel it.

use std::time::Duration;

use chassis::{Clock, Running, Service};
use testkit::{Home, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::authority::Authority;
use crate::toy;

/// The numbers of a process are told apart by service only: this one is nobody else's in these tests.
static SERVICE: Service = Service { name: "escalation", ..toy::SERVICE };

async fn number(running: &Running, name: &str) -> Option<f64> {
    let mut stream = tokio::net::TcpStream::connect(running.admin()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (name, what) = name.split_once(' ').unwrap_or((name, ""));
    let ours = |line: &&str| line.starts_with(name) && line.contains("service=\"escalation\"") && line.contains(what);
    answer.lines().find(ours)?.rsplit_once(' ')?.1.parse().ok()
}

/// Waits until the certificate holds for so many seconds, give or take a minute.
async fn holds(running: &Running, seconds: f64) {
    eventually(|| async {
        let left = number(running, "redress_certificate_left_seconds").await?;
        (seconds - 60.0..=seconds).contains(&left).then_some(())
    })
    .await;
}

/// Waits until more than so many reloads have failed; gives how many.
async fn failed(running: &Running, what: &str, before: f64) -> f64 {
    let name = format!("redress_reload_failed_total what=\"{what}\"");
    eventually(|| async { number(running, &name).await.filter(|count| *count > before) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_operators_see_how_long_the_certificate_holds_and_what_could_not_be_taken() {
    let (folder, own) = (tempfile::tempdir().unwrap(), Authority::new("own"));
    let file = |name: &str| folder.path().join(name).display().to_string();
    own.server_for(Duration::from_secs(3_600)).write(folder.path(), "server");
    std::fs::copy(testkit::secrets().key_set(), file("keys.json")).unwrap();
    let mut home = Home::new(&SERVICE).await;
    let variables = [
        ("GRPC__TLS__CERTIFICATE_FILE", file("server.pem")),
        ("GRPC__TLS__KEY_FILE", file("server.key")),
        ("AUTH__JWKS", file("keys.json")),
    ];
    home.variables.extend(variables.map(|(key, value)| (key.to_owned(), value)));
    let running = chassis::start(home.service, home.settings(), Clock::default()).await.unwrap();
    holds(&running, 3_600.0).await;

    // Half a file, no file, and the keys of nobody: each is told, and what was there is used on.
    std::fs::write(file("server.key"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let broken = failed(&running, "certificates", 0.0).await;
    std::fs::remove_file(file("server.key")).unwrap();
    failed(&running, "certificates", broken).await;
    std::fs::write(file("keys.json"), "{\"keys\": [").unwrap();
    failed(&running, "jwks", 0.0).await;
    holds(&running, 3_600.0).await;

    own.server_for(Duration::from_secs(7_200)).write(folder.path(), "server");
    holds(&running, 7_200.0).await;
    running.stop().await.unwrap();
}
