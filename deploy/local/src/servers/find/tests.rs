//! The order of the search and its refusals, with programs that only print a version.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn pretend(path: &Path, banner: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, format!("#!/bin/sh\necho '{banner}'\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
}

fn pretend_postgres(folder: &Path, version: &str) {
    pretend(&folder.join("initdb"), "initdb");
    pretend(&folder.join("postgres"), &format!("postgres (PostgreSQL) {version}"));
}

fn nothing() -> (TempDir, Sources) {
    let home = tempfile::tempdir().expect("a folder");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let sources = Sources {
        postgres: None,
        nats: None,
        distribution: home.path().join("distribution"),
        path: home.path().join("path").into(),
        cache: home.path().join("cache"),
        fetch: Fetch::Never,
    };
    (home, sources)
}

#[test]
fn the_newest_of_the_distribution_wins() {
    let (home, sources) = nothing();
    for (folder, version) in [("9.6", "9.6.24"), ("15", "15.18"), ("17", "17.2")] {
        pretend_postgres(&home.path().join("distribution").join(folder).join("bin"), version);
    }
    pretend_postgres(&home.path().join("path"), "18.1");
    let found = postgres(&sources).expect("found");
    assert_eq!(found.version.to_string(), "17.2");
}

#[test]
fn an_old_postgres_is_passed_over() {
    let (home, sources) = nothing();
    pretend_postgres(&home.path().join("distribution/14/bin"), "14.9");
    let refused = format!("{:#}", postgres(&sources).expect_err("too old"));
    assert!(refused.contains("is PostgreSQL 14.9; 15 or newer is needed"), "{refused}");
    pretend_postgres(&home.path().join("path"), "16.2");
    assert_eq!(postgres(&sources).expect("found").version.to_string(), "16.2");
}

#[test]
fn what_is_named_is_never_replaced() {
    let (home, mut sources) = nothing();
    pretend_postgres(&home.path().join("path"), "16.2");
    pretend_postgres(&home.path().join("old"), "14.9");
    sources.postgres = Some(home.path().join("old"));
    let refused = format!("{:#}", postgres(&sources).expect_err("too old"));
    assert!(refused.starts_with("PG_BIN cannot be used"), "{refused}");
}

#[test]
fn an_old_nats_server_is_refused() {
    let (home, mut sources) = nothing();
    pretend(&home.path().join("path/nats-server"), "nats-server: v2.9.10");
    let refused = format!("{:#}", nats(&sources).expect_err("too old"));
    assert!(refused.contains("is nats-server 2.9.10; 2.14.3 or newer is needed"), "{refused}");
    let named = home.path().join("named");
    pretend(&named, "nats-server: v2.14.3");
    sources.nats = Some(named);
    assert_eq!(nats(&sources).expect("found").version.to_string(), "2.14.3");
}
