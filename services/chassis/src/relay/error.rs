//! What can stop a round, and how long the relay waits after it.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};

use crate::Fault;

/// What stopped a round.
#[derive(Debug)]
pub(super) enum RelayError {
    /// The lease is somebody else's now, or may be: nothing more is written, who leads is looked up again (P24).
    Stale,
    /// The connection to the broker was renewed, or the broker gave numbers again: what it has must be read back.
    Broken(String),
    /// The broker refuses for a while: a stream is full, or missing.
    Refused(String),
    /// The database is older than what was published: nothing more is published.
    Older(String),
    /// The broker does not answer.
    Unanswered(String),
    /// Something else did not work.
    Other(Fault),
}

impl From<sqlx::Error> for RelayError {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<Fault> for RelayError {
    fn from(fault: Fault) -> Self {
        Self::Other(fault)
    }
}

impl RelayError {
    /// What the broker answered to a message.
    pub(super) fn of(error: &PublishError, subject: &str) -> Self {
        if error.kind() == PublishErrorKind::StreamNotFound {
            return Self::missing(subject);
        }
        let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<jetstream::Error>());
        // 503: the stream, the account or the disk is full (`discard: new`). The message stays in the journal (P06).
        if let Some(refusal) = source.filter(|refusal| refusal.code() == 503) {
            return Self::Refused(format!("the broker takes no {subject}: {refusal}"));
        }
        // Not acknowledged is not "not stored" (P09): it is sent again under the same id.
        Self::Unanswered(format!("{subject} is not acknowledged: {error}"))
    }

    /// There is no stream.
    pub(super) fn missing(what: &str) -> Self {
        Self::Refused(format!("the broker has no stream for {what}: run `provision` or `redress rebuild`"))
    }
}

/// How long to wait after trouble, and whether to speak of it.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    said: Option<Instant>,
}

impl Backoff {
    /// A refusal that lasts is told once per minute.
    const SILENCE: Duration = Duration::from_secs(60);

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The next wait: it doubles up to `limit`.
    pub(crate) fn next(&mut self, limit: Duration) -> Duration {
        let wait = Duration::from_millis(200).saturating_mul(1 << self.failures.min(8));
        self.failures += 1;
        wait.min(limit)
    }

    /// Whether it was silent for a minute.
    pub(crate) fn speak(&mut self) -> bool {
        let speak = self.said.is_none_or(|said| said.elapsed() > Self::SILENCE);
        if speak {
            self.said = Some(Instant::now());
        }
        speak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_told_once() {
        let mut patience = Backoff::default();
        let limit = Duration::from_secs(5);
        let waits: Vec<_> = (0..7).map(|_| patience.next(limit).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert!(patience.speak());
        assert!(!patience.speak());
        patience.reset();
        assert_eq!(patience.next(limit).as_millis(), 200);
    }
}
