//! A small disk for one server, to be filled.
//!
//! It is a tmpfs in a mount namespace of this process: it goes with the process, however that ends. That takes root.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, ensure};
use local::Servers;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;

use super::broker::run;

/// What lies on the small disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The streams of NATS.
    Broker,
    /// The tables of PostgreSQL.
    Heap,
    /// The write-ahead log of PostgreSQL.
    Wal,
}

static SEPARATE: OnceLock<bool> = OnceLock::new();

/// Gives this process mounts of its own. To be called before it has threads: those made before do not see them.
pub fn separate() {
    let separated = unshare(CloneFlags::CLONE_NEWNS).is_ok()
        && mount::<str, str, str, str>(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None).is_ok();
    SEPARATE.get_or_init(|| separated);
}

/// Why there can be no small disk here; none: there can.
pub fn obstacle() -> Option<&'static str> {
    match SEPARATE.get() {
        Some(true) => None,
        Some(false) | None => Some("a small disk (tmpfs) takes root and a mount namespace"),
    }
}

/// A small disk, until dropped. Who has files on it must be dead by then.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Moves a server's data to a small disk. The server is stopped for it and started again.
    pub(super) async fn put(place: Place, mib: u32, servers: Arc<Servers>) -> Result<Self> {
        if let Some(obstacle) = obstacle() {
            anyhow::bail!(obstacle);
        }
        let path = match place {
            Place::Broker => servers.nats_store(),
            Place::Heap => servers.postgres_data().join("base"),
            Place::Wal => servers.postgres_data().join("pg_wal"),
        };
        let stopped = Arc::clone(&servers);
        tokio::task::spawn_blocking(move || match place {
            Place::Broker => stopped.stop_nats(),
            Place::Heap | Place::Wal => stopped.stop_postgres(Signal::SIGINT),
        })
        .await??;
        let aside = servers.folder().join("aside");
        run("cp", &[Path::new("-a"), &path, &aside]).await?;
        let size = format!("size={mib}m,mode=0700");
        mount(Some("small"), &path, Some("tmpfs"), MsFlags::empty(), Some(size.as_str())).context("no small disk")?;
        let disk = Self { path };
        run("cp", &[Path::new("-a"), &aside.join("."), &disk.path]).await?;
        run("rm", &[Path::new("-rf"), &aside]).await?;
        servers.give(&disk.path)?;
        tokio::task::spawn_blocking(move || match place {
            Place::Broker => servers.restart_nats(),
            Place::Heap | Place::Wal => servers.restart_postgres(),
        })
        .await??;
        Ok(disk)
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::create(self.ballast())?;
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![0x5A; size];
            while file.write_all(&block).is_ok() {}
        }
        ensure!(file.metadata()?.len() > 0, "there was no room left to be filled");
        Ok(())
    }

    /// Makes room again.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_file(self.ballast()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}
