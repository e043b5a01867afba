//! The task: seals what is new, and signs the end of the chain now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::book::{Book, Books};
use super::checkpoint::{self, Checkpoint};
use super::format::{Hash, unhex};
use super::seal::{self, Head, Turn};
use super::{Source, gauges};
use crate::{Clock, crash, settings};

/// How often it looks, for the first time after a start that has other work to do. Nobody waits for it.
const LOOK: Duration = Duration::from_secs(1);
/// Longest a round may take: a dead connection must not hold it up.
const ROUND_LIMIT: Duration = Duration::from_secs(12);
/// How long a sealer that is told to stop goes on.
const STOP_LIMIT: Duration = Duration::from_secs(3);
/// Time between two complaints.
const COMPLAIN: Duration = Duration::from_secs(60);

/// Seals what people decide in one service.
pub(crate) struct Sealer {
    pub service: &'static str,
    pub pool: PgPool,
    pub sources: Arc<[&'static Source]>,
    pub books: Books,
    pub settings: settings::Audit,
    pub clock: Clock,
    pub stop: CancellationToken,
}

#[derive(Default)]
struct State {
    /// Number of the last checkpoint; none: nobody has looked.
    signed: Option<u64>,
    /// Since when there are links after it.
    since: Option<Instant>,
    complained: Option<Instant>,
}

impl Sealer {
    /// Works until the service stops; what is committed by then is sealed and signed if the database is there.
    pub(crate) async fn run(self) {
        let mut state = State::default();
        let mut stopped: Option<Instant> = None;
        let mut more = false;
        loop {
            if !more {
                tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = self.stop.cancelled() => {} }
            }
            if self.stop.is_cancelled() {
                stopped.get_or_insert_with(Instant::now);
            }
            let limit = if stopped.is_some() { STOP_LIMIT } else { ROUND_LIMIT };
            let round = tokio::time::timeout(limit, self.round(&mut state, stopped.is_some())).await;
            more = match round.unwrap_or_else(|_| Err(anyhow::anyhow!("a round took too long"))) {
                Ok(more) => {
                    state.complained = None;
                    gauges::trouble(self.service, false);
                    more
                }
                Err(error) => {
                    self.complain(&mut state, &error);
                    false
                }
            };
            if stopped.is_some_and(|at| !more || at.elapsed() > STOP_LIMIT) {
                return;
            }
        }
    }

    fn complain(&self, state: &mut State, error: &anyhow::Error) {
        gauges::trouble(self.service, true);
        // Not at every look: the file and the link are looked at again when a checkpoint is due again.
        state.since = Some(Instant::now());
        if state.complained.is_none_or(|at| at.elapsed() > COMPLAIN) {
            state.complained = Some(Instant::now());
            tracing::error!(service = self.service, error = format!("{error:#}"), "the audit stands still");
        }
    }

    /// Seals up to a batch of each source; gives whether there is more.
    async fn round(&self, state: &mut State, stopping: bool) -> anyhow::Result<bool> {
        let oldest = seal::oldest(&self.pool, &self.sources).await?;
        gauges::unsealed(self.service, oldest.unwrap_or(0.0));
        let mut again = false;
        if oldest.is_some()
            && let Turn::Sealed { links, more } = seal::turn(&self.pool, self.service, &self.sources).await?
        {
            gauges::sealed(self.service, links);
            again = more;
        }
        self.sign(state, stopping).await?;
        Ok(again)
    }

    /// Signs the end of the chain, if that is due.
    async fn sign(&self, state: &mut State, stopping: bool) -> anyhow::Result<()> {
        let head = seal::head(&self.pool, self.service).await?;
        if state.signed == Some(head.number) {
            state.since = None;
            return Ok(());
        }
        let since = *state.since.get_or_insert_with(Instant::now);
        let links = state.signed.map(|signed| head.number.saturating_sub(signed));
        let due = links.is_none_or(|links| links >= self.settings.links);
        if !due && !stopping && since.elapsed() < self.settings.every.unsigned_abs() {
            return Ok(());
        }
        let books = self.books.clone();
        // Another replica writes: it signs, or we do the next time.
        let Some(book) = tokio::task::spawn_blocking(move || books.book()).await?? else { return Ok(()) };
        self.compare(book.last.as_ref(), head).await?;
        let number = match &book.last {
            Some(last) if last.number >= head.number => last.number,
            None if head.number == 0 => 0,
            _ => self.write(book, head).await?,
        };
        state.signed = Some(number);
        // Links that came with another replica's checkpoint are behind it.
        state.since = None;
        gauges::checkpoint(self.service, number);
        Ok(())
    }

    /// What was signed last must be in the chain: a chain that was rewritten, cut or restored is not signed.
    async fn compare(&self, last: Option<&Checkpoint>, head: Head) -> anyhow::Result<()> {
        let Some(last) = last else { return Ok(()) };
        let signed: Hash = unhex(&last.chain_hash).context("the last checkpoint has no hash")?;
        let there = seal::hash(&self.pool, last.number).await?;
        if there.as_deref() == Some(&signed) {
            return Ok(());
        }
        bail!(
            "the chain is not the one that was signed: link {} is {}, and the chain ends with {}. It was altered, or the \
             database was restored from a backup: see `redress audit verify --help`. No checkpoint is written",
            last.number,
            if there.is_some() { "another one" } else { "gone" },
            head.number
        )
    }

    async fn write(&self, book: Book, head: Head) -> anyhow::Result<u64> {
        let previous = book.last.as_ref().map_or(checkpoint::NONE, Checkpoint::hash);
        let checkpoint =
            Checkpoint::sign(&self.books.key, self.service, head.number, &head.hash, self.clock.now(), &previous);
        crash::point("audit.before_checkpoint");
        tokio::task::spawn_blocking(move || book.append(&checkpoint)).await??;
        crash::point("audit.checkpointed");
        Ok(head.number)
    }
}
