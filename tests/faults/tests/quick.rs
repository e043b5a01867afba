//! The short set of faults, with few claims: kill each service, PostgreSQL restart, NATS kill, lost messages, a black
//! hole, poison. The whole set for every change is `just faults`.
//!
//! The run is that of the program `faults`, in a process of its own: a test that is killed takes all of it with it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Few, so that it is short; the faults themselves are those of the long run.
const CLAIMS: &str = "60";

/// The checker links nothing of ours, so it is a package of its own, and nobody builds it for this test: cargo does it
/// now, into the same folder. With the whole workspace under test it is there already and this takes a moment.
fn checker() -> PathBuf {
    let faults = Path::new(env!("CARGO_BIN_EXE_faults"));
    let beside = faults.with_file_name("checker");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "checker"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // `target`, or what was given instead: two above the program.
    build.arg("--target-dir").arg(faults.ancestors().nth(2).expect("the program is in a target folder"));
    if faults.components().any(|part| part.as_os_str() == "release") {
        build.arg("--release");
    }
    let built = build.status().expect("cargo can be run");
    assert!(built.success() && beside.exists(), "there is no checker at {}", beside.display());
    beside
}

#[test]
fn nothing_is_lost_under_the_short_set() {
    let output = Command::new(env!("CARGO_BIN_EXE_faults"))
        .args(["run", "--quick", "--claims", CLAIMS, "--output", "json"])
        .arg("--checker")
        .arg(checker())
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
