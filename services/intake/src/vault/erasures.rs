//! A file of the keys that were destroyed, outside of the database: one that is restored from an older backup has those keys
//! again, and whoever was forgotten would be remembered. At every start the keys that are in the file are destroyed (G23).
//!
//! The file is `intake-erased.jsonl` beside the checkpoints of the audit, and has no personal data in it: ids of keys, their
//! fingerprints, who destroyed them, when and why. Replicas may share it or have one each: a key that is in it twice is
//! destroyed once.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::Clock;
use chassis::audit::format::unhex;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::store;

/// How often is looked for what another replica has destroyed, or what could not be written before.
const EVERY: Duration = Duration::from_secs(10);
/// How far back is looked then.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// A key that was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub key: Uuid,
    /// Its fingerprint, in hexadecimal digits.
    pub fingerprint: String,
    /// When.
    pub at: Timestamp,
    /// Who had it destroyed.
    pub by: String,
    /// As `redress.intake.v1.ErasureReason`.
    pub reason: i16,
    /// The case it was done for.
    pub reference: String,
}

/// The file. Cheap to clone.
#[derive(Clone)]
pub struct Erasures {
    file: Arc<PathBuf>,
    known: Arc<Mutex<HashSet<Uuid>>>,
    pool: PgPool,
    clock: Clock,
}

impl Erasures {
    /// Destroys the keys that are in the file, and writes into it those that are not.
    pub async fn open(folder: &Path, pool: PgPool, clock: Clock) -> anyhow::Result<Self> {
        let file = folder.join("intake-erased.jsonl");
        let erasures = read(&file).with_context(|| format!("{} cannot be used", file.display()))?;
        let known = erasures.iter().map(|erasure| erasure.key).collect();
        let fingerprints = erasures.iter().map(|erasure| unhex::<32>(&erasure.fingerprint).map(|bytes| bytes.to_vec()));
        let fingerprints = fingerprints.collect::<Option<Vec<_>>>().context("a fingerprint must have 64 digits")?;
        let back = store::erase_again(&pool, &erasures, fingerprints).await?;
        if back > 0 {
            tracing::warn!(
                keys = back,
                "the database had keys of customers who were forgotten: they are destroyed again"
            );
        }
        let opened = Self { file: Arc::new(file), known: Arc::new(Mutex::new(known)), pool, clock };
        opened.write(Timestamp::UNIX_EPOCH).await?;
        Ok(opened)
    }

    /// Tends the file until the service stops.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.note().await;
        }
    }

    /// Writes what was destroyed lately. If that fails it is done later: the key is destroyed in any case.
    pub async fn note(&self) {
        let now = self.clock.now();
        if let Err(error) = self.write(now.checked_sub(BACK).unwrap_or(now)).await {
            tracing::error!(
                error = format!("{error:#}"),
                "keys that were destroyed are not in {}",
                self.file.display()
            );
        }
    }

    async fn write(&self, since: Timestamp) -> anyhow::Result<()> {
        let mut known = self.known.lock().await;
        let mut new = store::erasures(&self.pool, since).await?;
        new.retain(|erasure| !known.contains(&erasure.key));
        if new.is_empty() {
            return Ok(());
        }
        let keys: Vec<Uuid> = new.iter().map(|erasure| erasure.key).collect();
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || append(&file, &new)).await??;
        known.extend(keys);
        Ok(())
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<Erasure>> {
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text?,
    };
    // A line that a crash has left unfinished is written again: its key is destroyed in the database.
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines
        .map(|line| serde_json::from_str(line).with_context(|| format!("not an erasure: {}", line.trim_end())))
        .collect()
}

fn append(path: &Path, erasures: &[Erasure]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    file.lock()?;
    let mut lines = Vec::new();
    file.read_to_end(&mut lines)?;
    let unfinished = lines.iter().rev().take_while(|byte| **byte != b'\n').count();
    if unfinished > 0 {
        file.set_len((lines.len() - unfinished) as u64)?;
    }
    lines.clear();
    for erasure in erasures {
        serde_json::to_writer(&mut lines, erasure)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(key: u128) -> Erasure {
        let fingerprint = "ab".repeat(32);
        let (by, reference) = ("lea".to_owned(), "P-1".to_owned());
        Erasure { key: Uuid::from_u128(key), fingerprint, at: Timestamp::UNIX_EPOCH, by, reason: 1, reference }
    }

    #[test]
    fn an_unfinished_line_is_written_over_and_any_other_must_be_an_erasure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("erased.jsonl");
        assert_eq!(read(&file).unwrap(), []);
        append(&file, &[erasure(1), erasure(2)]).unwrap();
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"key\":\"0000").unwrap();
        assert_eq!(read(&file).unwrap(), [erasure(1), erasure(2)]);
        append(&file, &[erasure(3)]).unwrap();
        assert_eq!(read(&file).unwrap(), [erasure(1), erasure(2), erasure(3)]);
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{}\n").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("not an erasure: {}"));
    }
}
