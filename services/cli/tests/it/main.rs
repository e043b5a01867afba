//! The real binary, as people and scripts use it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod demo;
mod import;
mod rehearse;
mod stack;
mod survival;
mod tls;
mod warehouse;

use std::process::{Command, Output};

/// The program, told to look at nothing that this machine may have.
fn redress(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redress"));
    for variable in
        ["REDRESS_ENDPOINTS", "REDRESS_STACK", "REDRESS_OUTPUT", "REDRESS_ACTOR", "REDRESS_ROLES", "REDRESS_CA_FILE"]
    {
        command.env_remove(variable);
    }
    command.args(arguments);
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

#[test]
fn wrong_usage_and_a_missing_installation_have_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    let usage = redress(&["fly"]).output().unwrap();
    assert_eq!(code(&usage), 2);
    let nowhere = redress(&["claim", "list"]).env("XDG_RUNTIME_DIR", folder.path()).output().unwrap();
    assert_eq!(code(&nowhere), 5);
    let broken = redress(&["claim", "list"]).env("REDRESS_ENDPOINTS", "{").output().unwrap();
    assert_eq!(code(&broken), 4);
    let away = redress(&["claim", "list", "--output", "json"])
        .env("REDRESS_ENDPOINTS", r#"{"intake":"http://127.0.0.1:1"}"#)
        .output()
        .unwrap();
    assert_eq!(code(&away), 5);
    let error: serde_json::Value = serde_json::from_slice(&away.stderr).unwrap();
    assert_eq!(error["error"]["exit"], 5);
}

#[test]
fn wrong_usage_is_named_whole_to_people_and_scripts() {
    let arguments = ["stock", "move", "A", "--warehouse", "W", "--from", "moon", "--to", "sun", "--units", "4"];
    let people = redress(&arguments).output().unwrap();
    let told = String::from_utf8(people.stderr.clone()).unwrap();
    assert_eq!(code(&people), 2);
    assert!(["'moon'", "'sun'", "--reason"].iter().all(|word| told.contains(word)), "{told}");
    let script = redress(&[&arguments[..], &["--output", "json"]].concat()).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&script.stderr).unwrap();
    assert_eq!((code(&script), &told["error"]["exit"]), (2, &serde_json::json!(2)));
    assert_eq!(told["error"]["problems"].as_array().unwrap().len(), 3, "{told:#}");
    assert_eq!(code(&redress(&["--output", "json", "--help"]).output().unwrap()), 0);
}

#[test]
fn rows_that_could_not_be_sent_are_counted() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows = "RX1,E-1,lost,2026-03-04T05:06:07Z\nRX1,,lost,soon\nRX1,E-2,delivered,2026-03-05T05:06:07Z\n";
    std::fs::write(file.path(), format!("tracking_no,carrier_event_id,state,occurred_at\n{rows}")).unwrap();
    let away = redress(&["shipment", "report", "--output", "json", "--file", file.path().to_str().unwrap()])
        .env("REDRESS_ENDPOINTS", r#"{"logistics":"http://127.0.0.1:1"}"#)
        .output()
        .unwrap();
    assert_eq!(code(&away), 5);
    let told: serde_json::Value = serde_json::from_slice(&away.stdout).unwrap();
    assert_eq!((&told["read"], &told["refused"], &told["unsent"]), (&3.into(), &1.into(), &2.into()), "{told:#}");
    assert!(told["rows"][0]["text"].as_str().unwrap().contains("occurred_at"), "{told:#}");
    let error: serde_json::Value = serde_json::from_slice(&away.stderr).unwrap();
    assert_eq!(error["error"]["exit"], 5);
}
