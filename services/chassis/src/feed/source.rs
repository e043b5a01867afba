//! Where the feed comes from, and how far it goes.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_nats::{Message, StatusCode};
use futures::StreamExt as _;
use serde_json::json;

use super::{Feed, Place};
use crate::topology::stream_name;

/// Events of a message at the most, and their bytes (more only if one event has more).
const EVENTS_MAX: u32 = 256;
const BYTES_MAX: u32 = 64 * 1024;
/// How the broker says that an answer of many messages is complete.
const END_OF_BATCH: u16 = 204;
/// Longest wait for the next part of an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Headers of a message of the feed: the last event in it, by its sequence in the public stream, and when the broker
/// stored it, in the broker's words.
pub(super) const LAST: &str = "Redress-Last";
pub(super) const STORED: &str = "Redress-Last-Stored";

/// The last event of some.
pub(super) struct End {
    pub sequence: u64,
    pub stored: String,
    /// Whether there are more behind it.
    pub more: bool,
}

/// What the broker says of a message that it gives.
pub(super) fn end(message: &Message) -> anyhow::Result<End> {
    let sequence = number(message, "Nats-Sequence").context("the broker does not say which message it gives")?;
    let stored = header(message, "Nats-Time-Stamp").context("the broker does not say when it stored a message")?;
    let more = number(message, "Nats-Num-Pending").is_some_and(|pending| pending > 0);
    Ok(End { sequence, stored: stored.to_owned(), more })
}

/// The last value: what the broker writes stands behind what was sent.
fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.as_ref()?.get_last(name).map(|value| value.as_str())
}

fn number(message: &Message, name: &str) -> Option<u64> {
    header(message, name)?.parse().ok()
}

impl Feed {
    /// Looks how far the feed goes.
    pub(super) async fn look(&self, connects: u64) -> anyhow::Result<Place> {
        let ((first, last), (oldest, _)) = (self.bounds("FEED").await?, self.bounds("CLAIMS").await?);
        let mut next = 1;
        for sequence in (first.max(1)..=last).rev() {
            let Some(message) = self.get("FEED", sequence).await? else { continue };
            let Some((end, stored)) = number(&message, LAST).zip(header(&message, STORED)) else { continue };
            // What is too old for the public stream was not lost.
            let there = end < oldest
                || self
                    .get("CLAIMS", end)
                    .await?
                    .is_some_and(|event| header(&event, "Nats-Time-Stamp") == Some(stored));
            if there {
                next = end + 1;
                break;
            }
            tracing::warn!(service = self.service, sequence = end, "the broker lost an event that the feed has");
        }
        Ok(Place { next, last, connects })
    }

    /// Fails if the public stream ends earlier: then it is another one.
    pub(super) async fn ends_before(&self, next: u64) -> anyhow::Result<()> {
        let (_, last) = self.bounds("CLAIMS").await?;
        ensure!(last + 1 >= next, "the public stream ends with {last}, and {} were read", next - 1);
        Ok(())
    }

    /// What the public stream has from a sequence on.
    pub(super) async fn read(&self, from: u64) -> anyhow::Result<Vec<Message>> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await?;
        let question = json!({ "seq": from, "batch": EVENTS_MAX, "max_bytes": BYTES_MAX }).to_string();
        let stream = stream_name(&self.prefix, "CLAIMS");
        let address = format!("$JS.API.DIRECT.GET.{stream}");
        self.client.publish_with_reply(address, inbox, question.into()).await?;
        let mut found = Vec::new();
        loop {
            let answer = tokio::time::timeout(PATIENCE, answers.next()).await;
            let answer =
                answer.with_context(|| format!("{stream} does not answer"))?.context("the client has ended")?;
            match answer.status {
                None => found.push(answer),
                // The end of the batch; or there is nothing.
                Some(status) if status.as_u16() == END_OF_BATCH || status == StatusCode::NOT_FOUND => return Ok(found),
                Some(status) => bail!("{stream} cannot be read: {status}"),
            }
        }
    }

    async fn get(&self, stream: &str, sequence: u64) -> anyhow::Result<Option<Message>> {
        let stream = stream_name(&self.prefix, stream);
        let question = json!({ "seq": sequence }).to_string();
        let answer = self.client.request(format!("$JS.API.DIRECT.GET.{stream}"), question.into()).await;
        let answer = answer.with_context(|| format!("{stream} does not answer"))?;
        match answer.status {
            None => Ok(Some(answer)),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => bail!("{stream} cannot be read: {status}"),
        }
    }

    /// First and last sequence of a stream.
    async fn bounds(&self, stream: &str) -> anyhow::Result<(u64, u64)> {
        let stream = stream_name(&self.prefix, stream);
        let found = self.jetstream.get_stream(&stream).await.with_context(|| format!("{stream} cannot be found"))?;
        let state = &found.cached_info().state;
        Ok((state.first_sequence, state.last_sequence))
    }
}
