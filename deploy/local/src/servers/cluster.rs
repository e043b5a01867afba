//! A fresh database cluster, fast.
//!
//! `initdb` takes about half a second of processor time; copying its result takes a tenth of that. So
//! it runs once per PostgreSQL and account, into the cache, and each start copies. The template is
//! synced to disk by `initdb` and appears under its name only when complete.

use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::account::{self, Account};
use super::cache;
use super::child;
use super::find::Program;

/// Makes a cluster at `target`; with `durable` it is on the disk when this returns.
pub(super) fn create(
    program: &Program,
    target: &Path,
    account: Option<&Account>,
    cache: &Path,
    durable: bool,
) -> Result<()> {
    let template = template(program, account, cache)?;
    copy(&template, target, account, durable)
        .with_context(|| format!("cannot copy {} to {}", template.display(), target.display()))
}

fn template(program: &Program, account: Option<&Account>, cache: &Path) -> Result<PathBuf> {
    // Two builds of one version may differ in what they put into a cluster.
    let mut build = DefaultHasher::new();
    program.path.hash(&mut build);
    program.banner.hash(&mut build);
    let name = format!("cluster-{}-{:08x}-{}", program.version, build.finish() as u32, account::uid_of(account));
    let template = cache.join(name);
    if template.is_dir() {
        return Ok(template);
    }
    let _lock = cache::lock(cache, "cluster.lock")?;
    if template.is_dir() {
        return Ok(template);
    }
    let workshop = tempfile::Builder::new().prefix(".cluster-").tempdir_in(cache)?;
    account::give(workshop.path(), account)?;
    let fresh = workshop.path().join("fresh");
    init(program, &fresh, account)?;
    fs::rename(&fresh, &template)?;
    Ok(template)
}

fn init(program: &Program, target: &Path, account: Option<&Account>) -> Result<()> {
    let mut command = program.command(&program.path.join("initdb"), account);
    command.arg("-D").arg(target);
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"]);
    let folder = target.parent().expect("the workshop is above");
    run_in(&mut command, folder).context("cannot make a database cluster")
}

fn run_in(command: &mut Command, folder: &Path) -> Result<()> {
    // Our own current folder may be closed to the account, which `initdb` does not survive.
    child::run(command.current_dir(folder)).map(drop)
}

fn copy(from: &Path, to: &Path, account: Option<&Account>, durable: bool) -> Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, account, durable)?;
        } else {
            fs::copy(entry.path(), &target)?;
            account::give(&target, account)?;
            if durable {
                sync(&target)?;
            }
        }
    }
    account::give(to, account)?;
    if durable {
        sync(to)?;
    }
    Ok(())
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
