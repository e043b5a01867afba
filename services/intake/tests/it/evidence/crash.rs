//! A crash between the file and its row: the process is killed while its lane waits for the claim.
#![expect(clippy::disallowed_methods, reason = "a test plays somebody who holds a row")]

use std::process::Stdio;

use futures::stream;
use proto::intake::evidence_service_client::EvidenceServiceClient;
use proto::intake::intake_service_client::IntakeServiceClient;
use testkit::{Bearer, Wire, eventually, secrets};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::Channel;

use super::samples::jpeg;
use super::world::{anna, header, home, messages};
use crate::world::submit_request;

/// Starts the real binary; gives it and its address.
async fn process(home: &testkit::Home) -> (Child, String) {
    let mut home = home.clone();
    home.variables.push(("TELEMETRY__LOG".to_owned(), "info".to_owned()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_redress-intake"));
    command.arg("serve").envs(home.environment()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = log.next_line().await.unwrap().expect("it ended before it served");
        let Ok(line) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        if line["fields"]["message"] == "serving" {
            let address = format!("http://{}", line["fields"]["grpc"].as_str().unwrap());
            // Its log is read to the end: a full pipe would hold it up.
            tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
            return (child, address);
        }
    }
}

async fn wire(address: &str) -> Wire {
    Bearer::new(secrets()).on(Channel::from_shared(address.to_owned()).unwrap().connect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_a_crash_between_file_and_row_leaves_nothing_for_long() {
    let (home, folder, _temporary) = home(&[("SWEEP", "1s"), ("ORPHAN", "3s")]).await;
    let pool = home.pool().await;
    let (mut child, address) = process(&home).await;
    let mut intake = IntakeServiceClient::new(wire(&address).await);
    let claim = intake.submit_claim(anna(submit_request())).await.unwrap().into_inner().claim.unwrap();
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("SELECT claim_id FROM claim FOR UPDATE").execute(&mut *lock).await.unwrap();
    let bytes = jpeg(&[]);
    let said = header(&claim.claim_id, "image/jpeg", &bytes);
    let mut client = EvidenceServiceClient::new(wire(&address).await);
    let upload = anna(stream::iter(messages(said.clone(), &bytes)));
    let upload = tokio::spawn(async move { client.upload_evidence(upload).await });
    let stored = || super::world::files(&folder);
    eventually(|| async { (stored().len() == 1).then_some(()) }).await;
    assert!(stored()[0].starts_with(folder.join("staged")), "{:?}", stored());
    child.kill().await.unwrap();
    upload.await.unwrap().expect_err("nobody has answered");
    lock.rollback().await.unwrap();
    let rows =
        || async { sqlx::query_scalar::<_, i64>("SELECT count(*) FROM evidence_file").fetch_one(&pool).await.unwrap() };
    // PostgreSQL has noticed that the process is gone.
    eventually(|| async {
        let query =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE '%transaction%'";
        let busy: i64 = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
        (busy == 0).then_some(())
    })
    .await;
    assert_eq!(rows().await, 0);
    let (child, address) = process(&home).await;
    eventually(|| async { stored().is_empty().then_some(()) }).await;
    // The same request again.
    let mut client = EvidenceServiceClient::new(wire(&address).await);
    let answer = client.upload_evidence(anna(stream::iter(messages(said, &bytes)))).await.unwrap().into_inner();
    assert!(!answer.known);
    assert_eq!((rows().await, stored().len()), (1, 1));
    drop(child);
}
