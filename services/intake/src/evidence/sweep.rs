//! What nobody asks for: files whose upload ended between store and row are kept or removed, and files of customers who
//! were erased, or of claims that ended long ago, are removed.

use std::time::Duration;

use chassis::{Clock, Fault};
use jiff::SignedDuration;
use proto::policy::Dated;
use sqlx::PgPool;
use uuid::Uuid;

use super::store::{Files, Trouble};
use crate::store;

/// Looks after the store until the service stops.
pub(super) struct Sweeper {
    pub files: Files,
    pub pool: PgPool,
    pub clock: Clock,
    pub every: Duration,
    pub orphan: SignedDuration,
    /// How long files are kept after the end of their claim: as the version of the day says.
    pub kept: Dated<SignedDuration>,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The store did not do it.
    #[error("the file store: {0}")]
    Store(#[from] Trouble),
    /// The database did not do it.
    #[error("the database: {0}")]
    Database(#[from] Fault),
}

impl Sweeper {
    pub(super) async fn run(self) {
        loop {
            if let Err(failed) = self.look().await {
                tracing::warn!(%failed, "evidence files will be looked after later");
            }
            tokio::time::sleep(self.every).await;
        }
    }

    async fn look(&self) -> Result<(), Failed> {
        let gone = forget(&self.files, &self.pool, &self.clock).await;
        if let Ok(gone @ 1..) = gone {
            tracing::info!(gone, "evidence files of erased customers were removed");
        }
        let over = expire(&self.files, &self.pool, &self.clock, self.kept.in_force(self.clock.now()).rules).await;
        if let Ok(over @ 1..) = over {
            tracing::info!(over, "evidence files of claims that ended long ago were removed");
        }
        // What stops the one does not stop the other.
        self.orphans().await?;
        gone.and(over).map(drop)
    }

    async fn orphans(&self) -> Result<(), Failed> {
        let old = self.clock.now().checked_sub(self.orphan).unwrap_or(jiff::Timestamp::MIN);
        self.files.sweep_drafts(old).await?;
        loop {
            let staged = self.files.staged_before(old).await?;
            if staged.is_empty() {
                return Ok(());
            }
            // Who is not in the database by now never will be: see `fresh_until` of a new file.
            let owned = store::owned(&self.pool, &staged).await?;
            let mut stuck = Stuck::default();
            for key in &staged {
                let kept = owned.contains(key);
                stuck.note(if kept { self.files.keep(key).await } else { self.files.discard(key).await });
            }
            let done = staged.len() - stuck.count;
            tracing::info!(done, owned = owned.len(), "evidence files were left behind by uploads");
            stuck.end()?;
        }
    }
}

/// Removes the files of customers who were erased (S25): those of claims whose key is destroyed. Nothing happens to what
/// is gone already, so it can be done again at any time; gives how many went.
pub async fn forget(files: &Files, pool: &PgPool, clock: &Clock) -> Result<usize, Failed> {
    remove(files, pool, clock, None).await
}

/// Removes the files of claims that ended so long ago, in the same way. Legal holds keep them.
pub async fn expire(files: &Files, pool: &PgPool, clock: &Clock, kept: SignedDuration) -> Result<usize, Failed> {
    let before = clock.now().saturating_sub(kept).unwrap_or(jiff::Timestamp::MIN);
    remove(files, pool, clock, Some(before)).await
}

/// Of claims that ended before a time; `None`: of customers who were erased.
async fn remove(files: &Files, pool: &PgPool, clock: &Clock, before: Option<jiff::Timestamp>) -> Result<usize, Failed> {
    let (mut gone, mut stuck, mut last) = (0, Stuck::default(), Uuid::nil());
    loop {
        let found = match before {
            Some(before) => store::files_over(pool, last, before).await?,
            None => store::erased_files(pool, last).await?,
        };
        let Some((id, _)) = found.last() else { return stuck.end().map(|()| gone) };
        last = *id;
        for (id, key) in &found {
            // First the bytes: what is marked as gone is gone.
            let deleted = files.delete(key).await;
            if deleted.is_ok() {
                store::forget_file(pool, *id, clock.now()).await?;
                gone += 1;
            }
            stuck.note(deleted);
        }
    }
}

/// Files with which nothing can be done now: one of them must not keep the others.
#[derive(Default)]
struct Stuck {
    count: usize,
    first: Option<Trouble>,
}

impl Stuck {
    fn note(&mut self, done: Result<(), Trouble>) {
        if let Err(trouble) = done {
            self.count += 1;
            self.first.get_or_insert(trouble);
        }
    }

    fn end(self) -> Result<(), Failed> {
        self.first.map_or(Ok(()), |trouble| Err(trouble.into()))
    }
}
