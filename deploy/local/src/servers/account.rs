//! Whom the servers run as.
//!
//! PostgreSQL refuses to run as root. So root hands both servers to an account without rights;
//! anybody else runs them as himself.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};

/// An account other than our own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// The account the servers are handed to; none when they run as ourselves.
    pub(super) fn for_servers() -> Result<Option<Account>> {
        if !geteuid().is_root() {
            if User::from_uid(geteuid())?.is_none() {
                bail!("user id {} has no name in /etc/passwd, and PostgreSQL asks for one", geteuid());
            }
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        bail!("neither `postgres` nor `nobody` is in /etc/passwd, and PostgreSQL refuses to run as root")
    }

    /// Lets the child run as this account; the standard library drops the other groups itself.
    pub(super) fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// User id the servers run as.
pub(super) fn uid_of(account: Option<&Account>) -> u32 {
    account.map(|account| account.uid).unwrap_or_else(|| geteuid().as_raw())
}

/// Gives a file or folder to the account, if there is one.
pub(super) fn give(path: &Path, account: Option<&Account>) -> Result<()> {
    let Some(account) = account else {
        return Ok(());
    };
    chown(path, Some(account.uid), Some(account.gid))
        .with_context(|| format!("cannot give {} to {}", path.display(), account.name))
}

/// Whether the servers' account gets through all folders above `path`. Trivially so if it is ours.
pub(super) fn reachable(path: &Path) -> bool {
    if !geteuid().is_root() {
        return true;
    }
    path.ancestors()
        .skip(1)
        .filter_map(|folder| fs::metadata(folder).ok())
        .all(|folder| folder.permissions().mode() & 0o001 != 0)
}

/// Whether `path` is a folder of our own, so that nobody else can have put anything into it.
pub(super) fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.permissions().mode() & 0o022 == 0
    })
}

/// Whether `path` itself is a folder, and not a link that somebody else put there.
pub(super) fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}
