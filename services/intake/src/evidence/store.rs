//! The file store: a folder, or a bucket of an S3-compatible service.
//!
//! A file is first staged. When its row is committed it moves to the kept ones; if that does not happen, the sweep does it
//! or, where there is no row, removes the file. So a kept file always has a row, and who reads looks in both places. Names
//! are random: nothing that a sender says is part of one.

use super::Settings;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;

/// One answer of the store is waited for so long.
const PATIENCE: Duration = Duration::from_secs(15);
/// Staged files that one look takes on.
const LOOK_MAX: usize = 1000;

/// Why the store did not do it. What it says may hold addresses: it is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(String);

/// The file store.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// The store, if it is a folder.
    folder: Option<PathBuf>,
    random: SystemRandom,
}

impl Files {
    /// Opens the store that is configured. A folder is made; a bucket is not looked for before it is needed.
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        let url = settings.url.as_deref().context("evidence.url must say where evidence files are kept")?;
        let random = SystemRandom::new();
        match url.split_once("://") {
            Some(("file", folder)) if folder.starts_with('/') => {
                Ok(Self { store: Arc::new(local(folder)?), folder: Some(PathBuf::from(folder)), random })
            }
            Some(("s3", place)) if !place.is_empty() => {
                Ok(Self { store: Arc::new(s3(url, place, settings)?), folder: None, random })
            }
            _ => bail!("evidence.url must be file:///folder or s3://bucket/prefix"),
        }
    }

    /// A name that nobody can guess.
    pub fn new_key(&self) -> Result<String, Trouble> {
        let mut key = [0; 32];
        self.random.fill(&mut key).map_err(|_| Trouble("there is no randomness".to_owned()))?;
        Ok(super::hex(&key))
    }

    /// Puts a file into the store; it is there whole or not at all.
    pub async fn stage(&self, key: &str, bytes: Bytes) -> Result<(), Trouble> {
        waited(self.store.put(&staged(key), PutPayload::from_bytes(bytes))).await.map(drop)
    }

    /// Moves a staged file to the kept ones; one that is kept already stays.
    pub async fn keep(&self, key: &str) -> Result<(), Trouble> {
        let moved = tokio::time::timeout(PATIENCE, self.store.rename(&staged(key), &kept(key))).await;
        match moved {
            Ok(Err(Error::NotFound { .. })) => Ok(()),
            Ok(moved) => moved.map_err(|error| Trouble(error.to_string())),
            Err(_) => Err(late()),
        }
    }

    /// Removes a staged file.
    pub async fn discard(&self, key: &str) -> Result<(), Trouble> {
        self.remove(&staged(key)).await
    }

    /// Removes a file, wherever it is.
    pub async fn delete(&self, key: &str) -> Result<(), Trouble> {
        self.remove(&staged(key)).await?;
        self.remove(&kept(key)).await
    }

    async fn remove(&self, path: &Path) -> Result<(), Trouble> {
        match tokio::time::timeout(PATIENCE, self.store.delete(path)).await {
            Ok(Ok(())) => self.flush(path).await,
            // Perhaps it was removed a moment ago, and the power failed before the folder knew.
            Ok(Err(Error::NotFound { .. })) => self.flush(path).await,
            Ok(Err(error)) => Err(Trouble(error.to_string())),
            Err(_) => Err(late()),
        }
    }

    /// A file that was removed must not be back after a loss of power: the library flushes what it writes, not what it
    /// removes.
    async fn flush(&self, path: &Path) -> Result<(), Trouble> {
        let Some(root) = &self.folder else { return Ok(()) };
        let file = root.join(path.as_ref());
        let flushed = tokio::task::spawn_blocking(move || match file.parent().map(std::fs::File::open) {
            Some(Ok(folder)) => folder.sync_all(),
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Some(Err(_)) | None => Ok(()),
        });
        let flushed = flushed.await.map_err(|error| Trouble(error.to_string()))?;
        flushed.map_err(|error| Trouble(error.to_string()))
    }

    /// The bytes of a file; `None`: it is not there.
    pub async fn read(&self, key: &str) -> Result<Option<BoxStream<'static, Result<Bytes, Trouble>>>, Trouble> {
        // It may move from one place to the other between two looks, and then does not move again.
        for path in [kept(key), staged(key), kept(key)] {
            match tokio::time::timeout(PATIENCE, self.store.get(&path)).await {
                Ok(Ok(found)) => {
                    let bytes = found.into_stream().map_err(|error| Trouble(error.to_string()));
                    return Ok(Some(bytes.boxed()));
                }
                Ok(Err(Error::NotFound { .. })) => {}
                Ok(Err(error)) => return Err(Trouble(error.to_string())),
                Err(_) => return Err(late()),
            }
        }
        Ok(None)
    }

    /// Keys of files that were staged before a moment and have stayed there.
    pub async fn staged_before(&self, moment: Timestamp) -> Result<Vec<String>, Trouble> {
        let folder = Path::from(STAGED);
        let listed = self.store.list(Some(&folder)).take(LOOK_MAX).try_collect::<Vec<_>>();
        let listed = waited(listed).await?;
        let old = listed.into_iter().filter(|file| file.last_modified.timestamp() < moment.as_second());
        Ok(old.filter_map(|file| file.location.filename().map(str::to_owned)).filter(|key| is_key(key)).collect())
    }

    /// Removes drafts of a folder: a process that was killed while it wrote left them. No list shows them.
    pub async fn sweep_drafts(&self, moment: Timestamp) -> Result<(), Trouble> {
        let Some(folder) = self.folder.as_ref().map(|root| root.join(STAGED)) else { return Ok(()) };
        let swept = tokio::task::spawn_blocking(move || {
            let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
            for entry in entries {
                let entry = entry?;
                let modified = entry.metadata().and_then(|about| about.modified())?;
                let old = Timestamp::try_from(modified).is_ok_and(|modified| modified < moment);
                if old && entry.file_name().to_string_lossy().contains('#') {
                    std::fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        });
        let swept: std::io::Result<()> = swept.await.map_err(|error| Trouble(error.to_string()))?;
        swept.map_err(|error| Trouble(error.to_string()))
    }
}

const STAGED: &str = "staged";

fn staged(key: &str) -> Path {
    Path::from(format!("{STAGED}/{key}"))
}

/// Spread over folders: one with very many files is slow in many file systems.
fn kept(key: &str) -> Path {
    Path::from(format!("kept/{}/{key}", key.get(..2).unwrap_or_default()))
}

fn is_key(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

fn late() -> Trouble {
    Trouble("the file store did not answer in time".to_owned())
}

async fn waited<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, Trouble> {
    let done = tokio::time::timeout(PATIENCE, work).await.map_err(|_| late())?;
    done.map_err(|error| Trouble(error.to_string()))
}

/// A folder that only this user can read.
fn local(folder: &str) -> anyhow::Result<LocalFileSystem> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("evidence.url: cannot make {folder}"))?;
    let closed = std::fs::set_permissions(folder, Permissions::from_mode(0o700));
    closed.with_context(|| format!("evidence.url: cannot close {folder} to others"))?;
    // What was acknowledged must survive a loss of power, as the row does.
    Ok(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))
}

fn s3(url: &str, place: &str, settings: &Settings) -> anyhow::Result<PrefixStore<object_store::aws::AmazonS3>> {
    // Its HTTP client takes the TLS of the process; another part of it may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = ClientOptions::new().with_connect_timeout(Duration::from_secs(3)).with_timeout(PATIENCE);
    let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new().with_url(url).with_client_options(client).with_retry(retry);
    for (name, value) in &settings.options {
        let key: AmazonS3ConfigKey =
            name.parse().map_err(|_| anyhow::anyhow!("evidence.options.{name} is not an option of S3"))?;
        builder = builder.with_config(key, value.expose_secret());
    }
    let prefix = place.split_once('/').map_or("", |(_, prefix)| prefix);
    Ok(PrefixStore::new(builder.build().context("evidence.url and evidence.options do not name a bucket")?, prefix))
}
