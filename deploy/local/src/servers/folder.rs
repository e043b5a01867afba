//! The folder of one pair of servers, and the removal of those left by killed processes.
//!
//! Each folder holds a file `owner.pid` that its owner keeps locked. The lock is the sign of life:
//! the kernel lets go of it when the owner ends in any way, and unlike a process id it cannot come
//! to mean somebody else, not even seen from another container that shares the temp folder. So a
//! folder whose lock can be had is nobody's, and the next start removes it.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::Builder;

use super::account::{self, Account};

const OWNER: &str = "owner.pid";

/// A folder that is ours alone, and removed on drop unless its place was chosen by the caller.
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
    /// Never read: it is held for its lock.
    owner: File,
}

impl Folder {
    pub(super) fn create(root: Option<&Path>, account: Option<&Account>) -> Result<Folder> {
        match root {
            Some(root) => Folder::kept(root, account),
            None => Folder::temporary(&env::temp_dir(), account),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Prepared under another name first: under its final name it is never seen without its lock.
    fn temporary(base: &Path, account: Option<&Account>) -> Result<Folder> {
        let base = std::path::absolute(base)?;
        let new = Builder::new()
            .prefix(".redress-new-")
            .rand_bytes(8)
            .tempdir_in(&base)
            .with_context(|| format!("cannot make a folder in {}", base.display()))?;
        let owner = lock(new.path())?;
        account::give(new.path(), account)?;
        let random = new.path().to_string_lossy();
        let random = random.rsplit('-').next().expect("the prefix has a dash");
        let path = base.join(format!("redress-{}-{random}", process::id()));
        check_reachable(&path)?;
        fs::rename(new.path(), &path)?;
        // It has moved, so there is nothing left to remove under its first name.
        let _ = new.keep();
        Ok(Folder { path, temporary: true, owner })
    }

    fn kept(root: &Path, account: Option<&Account>) -> Result<Folder> {
        let path = std::path::absolute(root)?;
        check_reachable(&path)?;
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let owner = lock(&path)?;
        account::give(&path, account)?;
        Ok(Folder { path, temporary: false, owner })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            remove(&self.path);
        }
        // A program that is just being started has the lock, too, until it begins: it is let go for all.
        let _ = self.owner.unlock();
    }
}

/// Removes the folders of owners that are dead. What cannot be removed now is left for next time.
pub(super) fn sweep() {
    sweep_below(&env::temp_dir());
}

fn sweep_below(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        if is_ours_by_name(&entry.file_name().to_string_lossy()) && account::is_real_folder(&entry.path()) {
            sweep_one(&entry.path());
        }
    }
}

fn sweep_one(folder: &Path) {
    let Ok(owner) = OpenOptions::new().write(true).open(folder.join(OWNER)) else {
        return;
    };
    if owner.try_lock().is_ok() {
        remove(folder);
    }
}

/// `redress-<pid>-<random>`; the cache in the temp folder has a similar name.
fn is_ours_by_name(name: &str) -> bool {
    name.strip_prefix("redress-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(pid, random)| pid.parse::<u32>().is_ok() && !random.is_empty())
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(OWNER);
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        let mut pid = String::new();
        file.read_to_string(&mut pid)?;
        bail!("{} is in use by process {}", folder.display(), pid.trim());
    }
    file.set_len(0)?;
    // For people who look; the lock is what counts.
    writeln!(file, "{}", process::id())?;
    Ok(file)
}

fn check_reachable(folder: &Path) -> Result<()> {
    if !account::reachable(folder) {
        bail!("{} is below a folder that the account of the servers cannot enter", folder.display());
    }
    Ok(())
}

/// A server told to die may write its last file while we remove; so more than one try. The owner
/// file goes last: as long as it is there, a removal cut short is taken up again by the next sweep.
fn remove(folder: &Path) {
    for _ in 0..40 {
        if remove_all_but_owner(folder).is_ok() {
            let _ = fs::remove_dir_all(folder);
        }
        if !folder.exists() {
            return;
        }
        thread::sleep(Duration::from_millis(25));
    }
}

fn remove_all_but_owner(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == OWNER {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_the_dead_and_spares_the_living() -> Result<()> {
        let base = tempfile::tempdir()?;
        let alive = Folder::temporary(base.path(), None)?;
        let dead = base.path().join("redress-1-abc");
        fs::create_dir_all(dead.join("pg"))?;
        // The process id is that of a living process, but not of an owner.
        fs::write(dead.join(OWNER), "1\n")?;
        let foreign = base.path().join("redress-cache-0");
        fs::create_dir(&foreign)?;
        fs::write(foreign.join(OWNER), "1\n")?;

        sweep_below(base.path());

        assert!(!dead.exists());
        assert!(alive.path().exists() && foreign.exists());
        let path = alive.path().to_owned();
        drop(alive);
        assert!(!path.exists());
        Ok(())
    }

    #[test]
    fn a_chosen_folder_has_one_owner_and_is_kept() -> Result<()> {
        let base = tempfile::tempdir()?;
        let root = base.path().join("kept");
        let first = Folder::kept(&root, None)?;
        let refused = Folder::kept(&root, None).err().expect("the folder is taken");
        assert!(refused.to_string().contains("in use by process"), "{refused}");
        drop(first);
        assert!(root.exists());
        Folder::kept(&root, None)?;
        Ok(())
    }
}
