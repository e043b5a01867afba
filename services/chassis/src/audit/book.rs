//! Where checkpoints are kept: one file for each service, one line for each checkpoint, only ever appended to.
//!
//! Replicas share the file under a lock; with folders of their own each has its own file, and both are verified.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ring::signature::Ed25519KeyPair;

use super::checkpoint::{self, Checkpoint};
use crate::lane::Fingerprinter;
use crate::settings;

/// Longer than a line.
const TAIL: u64 = 8 * 1024;

/// The key and the file of a service.
#[derive(Clone)]
pub(crate) struct Books {
    pub(super) key: Arc<Ed25519KeyPair>,
    /// Made from the key.
    pub(crate) stamp: Fingerprinter,
    file: PathBuf,
}

/// The file of a service, held so that no other replica writes.
pub(super) struct Book {
    file: File,
    folder: PathBuf,
    /// Length without a line that a crash has left unfinished.
    whole: u64,
    /// Length.
    length: u64,
    /// The last checkpoint.
    pub last: Option<Checkpoint>,
}

impl Books {
    /// Reads the key and makes the folder, if the folder it is in is there.
    pub(crate) fn open(service: &str, settings: &settings::Audit) -> Result<Self> {
        let missing = |key: &str, what: &str| format!("what people decide could not be audited: set {key} ({what})");
        let key_file = settings.key_file.as_ref();
        let key_file = key_file
            .with_context(|| missing("audit.key_file", "the Ed25519 key that signs checkpoints, PKCS #8 as DER"))?;
        let folder = settings.checkpoints.as_ref();
        let folder = folder.with_context(|| missing("audit.checkpoints", "the folder where checkpoints are kept"))?;
        let key = fs::read(key_file).with_context(|| format!("audit.key_file: cannot read {}", key_file.display()))?;
        let stamp = Fingerprinter::new(&key);
        let key = checkpoint::pair(&key)
            .with_context(|| format!("audit.key_file: {} is not an Ed25519 key in PKCS #8", key_file.display()))?;
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.with_context(|| format!("audit.checkpoints: cannot make {}", folder.display()))?,
        }
        let books = Self { key: Arc::new(key), stamp, file: folder.join(format!("{service}.jsonl")) };
        books.book().with_context(|| format!("audit.checkpoints: cannot write {}", books.file.display()))?;
        Ok(books)
    }

    /// Holds the file; `None`: another replica does.
    pub(super) fn book(&self) -> Result<Option<Book>> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(&self.file)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let unfinished = tail.iter().rev().take_while(|byte| **byte != b'\n').count();
        tail.truncate(tail.len() - unfinished);
        let last = match tail.split_last() {
            None => None,
            Some((_, lines)) => {
                let line = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
                let last = serde_json::from_slice(line);
                Some(last.with_context(|| format!("the last line of {} is not a checkpoint", self.file.display()))?)
            }
        };
        let folder = self.file.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Some(Book { file, folder, whole: length - unfinished as u64, length, last }))
    }
}

impl Book {
    /// Appends a checkpoint; it is on the disk when this returns.
    pub(super) fn append(mut self, checkpoint: &Checkpoint) -> Result<()> {
        if self.whole < self.length {
            self.file.set_len(self.whole)?;
        }
        let mut line = serde_json::to_vec(checkpoint)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_all()?;
        if self.whole == 0 {
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::audit::format::genesis;

    fn books(folder: &Path) -> Books {
        let key = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
        let key_file = folder.join("key.pk8");
        fs::write(&key_file, key.as_ref()).unwrap();
        let checkpoints = Some(folder.join("audit"));
        Books::open("toy", &settings::Audit { key_file: Some(key_file), checkpoints, ..Default::default() }).unwrap()
    }

    #[test]
    fn an_unfinished_line_is_written_over_and_one_replica_writes_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let books = books(folder.path());
        let sign =
            |number| Checkpoint::sign(&books.key, "toy", number, &genesis("toy"), Timestamp::UNIX_EPOCH, &[0; 32]);
        let book = books.book().unwrap().unwrap();
        assert!(book.last.is_none());
        assert!(books.book().unwrap().is_none(), "it is held");
        book.append(&sign(1)).unwrap();
        let torn = &serde_json::to_vec(&sign(2)).unwrap()[..100];
        OpenOptions::new().append(true).open(&books.file).unwrap().write_all(torn).unwrap();
        let book = books.book().unwrap().unwrap();
        assert_eq!(book.last, Some(sign(1)));
        book.append(&sign(3)).unwrap();
        for number in 4..60 {
            books.book().unwrap().unwrap().append(&sign(number)).unwrap();
        }
        assert_eq!(books.book().unwrap().unwrap().last, Some(sign(59)));
        let text = fs::read_to_string(&books.file).unwrap();
        let read: Vec<Checkpoint> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: Vec<u64> = read.iter().map(|checkpoint| checkpoint.number).collect();
        assert_eq!(numbers, [1].into_iter().chain(3..60).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |settings: settings::Audit| format!("{:#}", Books::open("toy", &settings).err().unwrap());
        assert!(refused(settings::Audit::default()).contains("audit.key_file"));
        let key_file = Some(folder.path().join("none"));
        let settings = settings::Audit { key_file, ..Default::default() };
        assert!(refused(settings.clone()).contains("audit.checkpoints"));
        let settings = settings::Audit { checkpoints: Some(folder.path().join("a")), ..settings };
        assert!(refused(settings.clone()).contains("cannot read"));
        fs::write(folder.path().join("none"), "secret").unwrap();
        assert!(refused(settings).contains("is not an Ed25519 key"));
    }
}
