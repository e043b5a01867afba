//! A cluster with databases in it, made once and copied after that: whoever forgets his data in the end need not make them anew
//! each time.
//!
//! It is kept beside the cluster that is copied for those who begin with nothing, under a name that says what is in it. One
//! that was made more than a day ago goes when another one is made: its programs are of the past.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::account::Account;
use super::find::{self, Sources};
use super::{ServerOptions, Servers, cache, cluster};

const PREFIX: &str = "prepared-cluster-";
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder of a cluster whose `content` was put in by `prepare`, now or at an earlier time.
pub(crate) fn cluster(content: u64, prepare: impl FnOnce(&Servers) -> Result<()>) -> Result<PathBuf> {
    let sources = Sources::from_environment()?;
    let program = find::postgres(&sources)?;
    let account = Account::for_servers()?;
    let name = format!("{PREFIX}{}-{content:016x}", cluster::name(&program, account.as_ref()));
    let prepared = sources.cache.join(&name);
    if prepared.is_dir() {
        return Ok(prepared);
    }
    let _lock = cache::lock(&sources.cache, "prepared.lock")?;
    if prepared.is_dir() {
        return Ok(prepared);
    }
    forget_old(&sources.cache);
    let servers = Servers::start(ServerOptions::default())?;
    prepare(&servers)?;
    // In good order, so that nothing is left to be recovered by those who begin with the copy.
    servers.stop_postgres(nix::sys::signal::Signal::SIGINT)?;
    let new = tempfile::Builder::new().prefix(".prepared-").tempdir_in(&sources.cache)?;
    let copied = new.path().join("cluster");
    cluster::copy(servers.postgres_data(), &copied, None, true)?;
    fs::rename(&copied, &prepared).with_context(|| format!("cannot make {}", prepared.display()))?;
    Ok(prepared)
}

/// What cannot be removed is left for next time.
fn forget_old(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let made = entry.metadata().and_then(|found| found.modified());
        let is_old = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > KEPT));
        if is_old && entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
