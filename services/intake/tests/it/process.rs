//! The service as a process, and its statements.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::world::World;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let world = World::start().await;
    world.service.prepare_all(intake::store::STATEMENTS).await;
}

#[tokio::test]
async fn a_claim_survives_a_restart() {
    let world = World::start().await;
    let claim = world.submit().await;
    let service = world.service.restart().await;
    let client = proto::intake::intake_service_client::IntakeServiceClient::new(service.channel());
    let world = World { service, client };
    assert_eq!(world.get(&claim.claim_id).await, claim);
    assert_ne!(world.submit().await.claim_number, claim.claim_number);
}

#[tokio::test]
async fn the_binary_serves_and_stops_when_told() {
    let home = testkit::Home::new(&intake::SERVICE).await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_redress-intake"))
        .envs(home.environment())
        .env("REDRESS_INTAKE__TELEMETRY__LOG", "info")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut log = String::new();
    while !log.contains("serving") {
        let line = tokio::time::timeout(testkit::PATIENCE, lines.next_line()).await.unwrap().unwrap();
        log.push_str(&line.unwrap_or_else(|| panic!("it stopped before it served:\n{log}")));
    }
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let drain = async { while let Ok(Some(_)) = lines.next_line().await {} };
    let (status, ()) = tokio::join!(child.wait(), drain);
    assert!(status.unwrap().success());
}
