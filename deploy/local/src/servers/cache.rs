//! Where fetched programs and the cluster template are kept between runs.
//!
//! `$REDRESS_CACHE` is taken at its word. Otherwise the first of `$XDG_CACHE_HOME/redress`,
//! `~/.cache/redress`, (for root) `/var/cache/redress` and a folder below the temp folder that we can
//! write and the servers' account can reach: root's home is usually closed to it.

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

use super::account;

/// The cache folder, made if need be.
pub(super) fn folder() -> Result<PathBuf> {
    if let Some(given) = variable("REDRESS_CACHE") {
        let given = std::path::absolute(given)?;
        return prepare(&given).map(|()| given);
    }
    let mut candidates = Vec::new();
    candidates.extend(variable("XDG_CACHE_HOME").map(|folder| folder.join("redress")));
    candidates.extend(variable("HOME").map(|folder| folder.join(".cache/redress")));
    if geteuid().is_root() {
        candidates.push(PathBuf::from("/var/cache/redress"));
    }
    candidates.push(env::temp_dir().join(format!("redress-cache-{}", geteuid())));
    candidates
        .into_iter()
        .filter(|candidate| candidate.is_absolute())
        .find(|candidate| prepare(candidate).is_ok())
        .context("no folder can be written to keep programs in; name one in REDRESS_CACHE")
}

/// Holds off other processes until dropped; the kernel lets go if we are killed.
pub(super) fn lock(cache: &Path, name: &str) -> Result<File> {
    let path = cache.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn prepare(folder: &Path) -> Result<()> {
    if !account::reachable(folder) {
        bail!("{} is below a folder that the account of the servers cannot enter", folder.display());
    }
    if !folder.is_dir() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    if !account::is_ours(folder) {
        bail!("{} can be written by others, so programs in it cannot be trusted", folder.display());
    }
    Ok(())
}
