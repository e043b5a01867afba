//! What is left when the launcher is killed, and starting from accounts with few rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;

use local::{ServerOptions, Servers};

use crate::launcher::{Launcher, eventually, processes_of};

const NOBODY: u32 = 65_534;

fn this_binary() -> std::path::PathBuf {
    std::env::current_exe().expect("we are a file")
}

fn root() -> bool {
    fs::metadata("/proc/self").expect("there is /proc").uid() == 0
}

#[test]
fn killing_the_launcher_leaves_no_process_and_the_next_start_no_folder() {
    let mut launcher = Launcher::start(Launcher::command(&this_binary()));
    let folder = launcher.folder.clone();
    assert!(processes_of(&folder).len() >= 2, "{:?}", processes_of(&folder));
    launcher.kill();
    eventually("the servers are gone", || processes_of(&folder).is_empty());

    let next = Servers::start(ServerOptions::default()).expect("servers start");
    assert!(!folder.exists());
    assert!(next.folder().exists());
}

#[test]
fn a_living_launcher_keeps_its_folder() {
    let mut launcher = Launcher::start(Launcher::command(&this_binary()));
    drop(Servers::start(ServerOptions::default()).expect("servers start"));
    assert!(launcher.folder.exists() && processes_of(&launcher.folder).len() >= 2);
    drop(launcher.input.take());
    assert!(launcher.process.wait().expect("it ends").success());
    assert!(!launcher.folder.exists());
}

/// Runs a launcher as `nobody` if we are root, else as ourselves, with a temp folder, a cache and a home
/// of its own; `adjust` may change its environment.
fn launch_elsewhere(home: &Path, uid: u32, adjust: impl FnOnce(&mut std::process::Command)) -> Launcher {
    fs::set_permissions(home, Permissions::from_mode(0o755)).expect("ours");
    // The build folder may be closed to others.
    let binary = home.join("launcher");
    fs::copy(this_binary(), &binary).expect("copied");
    let mut command = Launcher::command(&binary);
    for (name, variable) in [("tmp", "TMPDIR"), ("cache", "REDRESS_CACHE"), ("home", "HOME")] {
        let folder = home.join(name);
        fs::create_dir(&folder).expect("made");
        if root() {
            chown(&folder, Some(uid), Some(uid)).expect("given");
        }
        command.env(variable, &folder);
    }
    if root() {
        command.uid(uid).gid(uid);
    }
    command.current_dir(home);
    adjust(&mut command);
    Launcher::start(command)
}

#[test]
fn works_without_rights() {
    let ours = Servers::start(ServerOptions::default()).expect("servers start");
    let home = tempfile::tempdir().expect("a folder");
    let program = home.path().join("nats-server");
    fs::copy(ours.nats_program(), &program).expect("copied");
    let mut launcher = launch_elsewhere(home.path(), NOBODY, |command| {
        command.env("NATS_SERVER", &program).env("REDRESS_FETCH", "never");
    });
    assert!(launcher.folder.starts_with(home.path().join("tmp")));
    drop(launcher.input.take());
    assert!(launcher.process.wait().expect("it ends").success());
    assert!(!launcher.folder.exists());
}

#[cfg(feature = "download-tests")]
#[test]
fn works_with_nothing_installed() {
    let accounts: &[u32] = if root() { &[0, NOBODY] } else { &[NOBODY] };
    for uid in accounts {
        let home = tempfile::tempdir().expect("a folder");
        let mut launcher = launch_elsewhere(home.path(), *uid, |command| {
            command.env("REDRESS_FETCH", "always");
        });
        let running = processes_of(&launcher.folder).join("\n");
        assert!(running.contains("pginstall/bin/postgres") && running.contains("scripts/nats-server"), "{running}");
        drop(launcher.input.take());
        assert!(launcher.process.wait().expect("it ends").success());
    }
}
