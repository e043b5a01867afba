//! A fresh database cluster, fast.
//!
//! `initdb` takes about half a second of processor time; copying its result takes a tenth of that. So
//! it runs once per PostgreSQL and account, into the cache, and each start copies. The template is
//! synced to disk by `initdb` and appears under its name only when complete.
//!
//! Everybody needs a password, also the superuser: other users of the machine reach the port too. The superuser's is
//! made with the template and lies in the folder of the data, which only the account of the servers and root can open.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::ServerOptions;
use super::account::{self, Account};
use super::cache;
use super::child;
use super::find::Program;
use crate::roles;
use crate::secrets::random_hex;

/// The superuser's password, beside the data.
const PASSWORD: &str = "superuser.password";

/// Makes a cluster at `target`; if it is to be durable, it is on the disk when this returns.
pub(super) fn create(
    program: &Program,
    target: &Path,
    account: Option<&Account>,
    cache: &Path,
    options: &ServerOptions,
) -> Result<()> {
    let template = match &options.cluster {
        Some(prepared) => prepared.clone(),
        None => template(program, account, cache)?,
    };
    copy(&template, target, account, options.durable)
        .with_context(|| format!("cannot copy {} to {}", template.display(), target.display()))
}

/// What clusters of a PostgreSQL and an account are called.
pub(super) fn name(program: &Program, account: Option<&Account>) -> String {
    // Two builds of one version may differ in what they put into a cluster.
    let mut build = DefaultHasher::new();
    program.path.hash(&mut build);
    program.banner.hash(&mut build);
    format!("{}-{:08x}-{}", program.version, build.finish() as u32, account::uid_of(account))
}

fn template(program: &Program, account: Option<&Account>, cache: &Path) -> Result<PathBuf> {
    let template = cache.join(format!("closed-cluster-{}", name(program, account)));
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
    let folder = target.parent().expect("the workshop is above");
    let password = random_hex()?;
    // PostgreSQL takes what it would keep of the password instead of the password.
    let told = folder.join("verifier");
    write(&told, &roles::verifier(&password)?, account)?;
    let mut command = program.command(&program.path.join("initdb"), account);
    command.arg("-D").arg(target).arg("--pwfile").arg(&told);
    command.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"]);
    run_in(&mut command, folder).context("cannot make a database cluster")?;
    write(&target.join(PASSWORD), &password, account)
}

fn write(path: &Path, text: &str, account: Option<&Account>) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    account::give(path, account)
}

/// The superuser's password of a cluster.
pub(super) fn password(data: &Path) -> Result<String> {
    let path = data.join(PASSWORD);
    match fs::read_to_string(&path) {
        Ok(password) => Ok(password),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("{} is of an earlier version, which let everybody in; remove the folder", data.display())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn run_in(command: &mut Command, folder: &Path) -> Result<()> {
    // Our own current folder may be closed to the account, which `initdb` does not survive.
    child::run(command.current_dir(folder)).map(drop)
}

/// Copies a cluster that nobody uses, and gives it to the account.
pub(super) fn copy(from: &Path, to: &Path, account: Option<&Account>, durable: bool) -> Result<()> {
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
