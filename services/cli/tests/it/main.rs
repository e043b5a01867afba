//! The real binary, as people and scripts use it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod demo;
mod import;
mod stack;
mod survival;
mod tls;

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
