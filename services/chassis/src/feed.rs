//! The feed: what the public stream has, many events in one message.
//!
//! A subscriber of single events costs the broker and itself a delivery for each of them: fifty subscribers cost more than the
//! claims. Who wants everything reads the feed instead: each message is a compressed batch of CloudEvents in JSON, in the
//! order of the public stream, made of what came within [`GATHER`], or of as much as is read at once.
//!
//! Nothing of it is in a database. The last message of the feed says how far it goes: the sequence in the public stream, and
//! when the broker stored that event, which does not happen twice at the same moment. So a feed goes on after a crash where
//! it was. If the broker lost the tail of a stream (P01), it goes on behind the last event that was not lost: what is
//! published again comes again here, too. And two replicas never write both: the broker takes a message only as the
//! next one of the feed.

mod batch;
mod gauges;
mod source;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream;
use async_nats::jetstream::message::PublishMessage;

use crate::nats;
use crate::progress::{Past, Progress};
use crate::relay::Backoff;
use crate::topology::FEED;

/// How long events are gathered for one message.
const GATHER: Duration = Duration::from_millis(50);
/// Longest wait after trouble, and between looks at whether the broker is back.
const WAIT: Duration = Duration::from_secs(10);
const AWAY: Duration = Duration::from_millis(200);
/// How often it is looked whether there is more. The relay of this process signals what it publishes, but not what another
/// replica publishes, or what is there when a round of it breaks off.
const LOOK: Duration = Duration::from_secs(2);

/// Writes the feed.
pub(crate) struct Feed {
    pub service: &'static str,
    pub prefix: String,
    pub client: async_nats::Client,
    pub jetstream: jetstream::Context,
    pub progress: Arc<Progress>,
}

/// How far the feed is.
struct Place {
    /// The next event, by its sequence in the public stream.
    next: u64,
    /// The last message of the feed.
    last: u64,
    /// Times that a connection to the broker had been made: on another one, it may have lost something.
    connects: u64,
}

impl Feed {
    /// Works until it is dropped.
    pub(crate) async fn run(self) {
        let (mut place, mut patience) = (None, Backoff::default());
        loop {
            // On a database that is older than what was published from it, nothing is published (F23).
            self.progress.past(|past| *past == Past::Whole).await;
            if !nats::is_connected(&self.client) {
                tokio::time::sleep(AWAY).await;
                continue;
            }
            match self.round(&mut place).await {
                Ok(pending) => {
                    patience.reset();
                    gauges::pending(self.service, pending);
                    if pending == 0 {
                        let _ = tokio::time::timeout(LOOK, self.progress.public.notified()).await;
                        tokio::time::sleep(GATHER).await;
                    }
                }
                Err(error) => {
                    if patience.speak() {
                        let error = format!("{error:#}");
                        tracing::warn!(service = self.service, error, "the feed of public events waits");
                    }
                    place = None;
                    tokio::time::sleep(patience.next(WAIT)).await;
                }
            }
        }
    }

    /// One message of the feed, if there is something for it. How many events are left.
    async fn round(&self, place: &mut Option<Place>) -> anyhow::Result<u64> {
        let connects = nats::connects(&self.client);
        let mut at = match place.take() {
            Some(at) if at.connects == connects => at,
            _ => self.look(connects).await?,
        };
        let stored = self.read(&at).await?;
        let Some(end) = stored.last() else {
            self.ends_before(at.next).await?;
            *place = Some(at);
            return Ok(0);
        };
        let end = source::end(end)?;
        if let Some((headers, payload)) = batch::of(&stored, &end)? {
            let message =
                PublishMessage::build().headers(headers).payload(payload.into()).expected_last_sequence(at.last);
            #[expect(clippy::disallowed_methods, reason = "all of it was published by the relay before")]
            let sent = self.jetstream.send_publish(format!("{}.v1.{FEED}", self.prefix), message).await;
            at.last = sent.context("the feed cannot be sent")?.await.context("the feed is not taken")?.sequence;
        }
        at.next = end.sequence + 1;
        *place = Some(at);
        Ok(end.pending)
    }
}
