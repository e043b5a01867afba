//! The short set of faults, with few claims: kill each service, PostgreSQL restart, NATS kill, lost messages, a black
//! hole, poison. The whole set for every change is `just faults`.
//!
//! The run is that of the program `faults`, in a process of its own: a test that is killed takes all of it with it.

use std::process::Command;

/// Few, so that it is short; the faults themselves are those of the long run.
const CLAIMS: &str = "60";

#[test]
fn nothing_is_lost_under_the_short_set() {
    let output = Command::new(env!("CARGO_BIN_EXE_faults"))
        .args(["run", "--quick", "--claims", CLAIMS, "--output", "json"])
        .arg("--checker")
        .arg(env!("CARGO_BIN_EXE_checker"))
        .output()
        .expect("the program can be run");
    let told = String::from_utf8_lossy(&output.stderr);
    eprintln!("{told}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let ran = report["faults"].as_array().expect("a list of faults");
    assert!(ran.len() >= 6, "the short set is not complete: {report}");
    assert_eq!(report["violations"], 0, "{told}");
    assert!(output.status.success());
}
