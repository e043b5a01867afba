//! Where the feed comes from, and how far it goes.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_nats::{Message, StatusCode};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::json;

use super::{Feed, Place};
use crate::message::is_stored_again;
use crate::nats;
use crate::topology::stream_name;

/// Events that are asked for at the most, and bytes after which the broker sends no more. Each message costs every reader
/// a delivery; but what is read at once keeps all else from a slow link meanwhile.
const EVENTS_MAX: u32 = 256;
pub(super) const BYTES_MAX: u32 = 120 * 1024;
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
    /// Events behind it.
    pub pending: u64,
}

/// What the broker says of a message that it gives.
pub(super) fn end(message: &Message) -> anyhow::Result<End> {
    let sequence = sequence(message).context("the broker does not say which message it gives")?;
    let stored = header(message, "Nats-Time-Stamp").context("the broker does not say when it stored a message")?;
    let pending = number(message, "Nats-Num-Pending").unwrap_or(0);
    Ok(End { sequence, stored: stored.to_owned(), pending })
}

/// Its place in its stream. An answer that is no message has none, whatever its status; and a message may have a status,
/// as the broker can be made to store its own answers.
fn sequence(message: &Message) -> Option<u64> {
    number(message, "Nats-Sequence")
}

/// Whether it was stored as it was sent, by somebody and not by the broker.
pub(super) fn is_original(message: &Message) -> bool {
    message.status.is_none() && !message.headers.as_ref().is_some_and(is_stored_again)
}

/// The last value: what the broker writes stands behind what was sent.
fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.as_ref()?.get_last(name).map(|value| value.as_str())
}

fn number(message: &Message, name: &str) -> Option<u64> {
    header(message, name)?.parse().ok()
}

fn moment(stored: &str) -> Option<Timestamp> {
    stored.parse().ok()
}

impl Feed {
    /// Looks how far the feed goes: to the last event in it that the public stream still has as it was.
    pub(super) async fn look(&self, connects: u64) -> anyhow::Result<Place> {
        let ((first, last), (oldest, newest)) = (self.bounds("FEED").await?, self.bounds("CLAIMS").await?);
        let oldest_event = if (1..=newest).contains(&oldest) { self.get("CLAIMS", oldest).await? } else { None };
        let oldest_at = oldest_event.and_then(|event| moment(header(&event, "Nats-Time-Stamp")?));
        let (mut next, mut lost) = (oldest.max(1), 0_u64);
        for sequence in (first.max(1)..=last).rev() {
            let Some(message) = self.get("FEED", sequence).await?.filter(is_original) else { continue };
            let Some((end, stored)) = number(&message, LAST).zip(header(&message, STORED)) else { continue };
            // What is too old for the public stream was not lost. If all of that is younger, it is another stream.
            let is_old = end < oldest;
            if is_old || oldest_at.is_none_or(|oldest| moment(stored).is_some_and(|stored| stored < oldest)) {
                break;
            }
            if end <= newest && self.is_there(end, stored).await? {
                next = end + 1;
                break;
            }
            lost += 1;
        }
        if lost > 0 {
            tracing::warn!(service = self.service, next, messages = lost, "the broker lost events that the feed has");
        }
        Ok(Place { next, last, connects })
    }

    /// Whether the public stream has this event, stored at this moment.
    async fn is_there(&self, sequence: u64, stored: &str) -> anyhow::Result<bool> {
        let event = self.get("CLAIMS", sequence).await?;
        Ok(event.is_some_and(|event| header(&event, "Nats-Time-Stamp") == Some(stored)))
    }

    /// Fails if the public stream ends earlier: then it is another one.
    pub(super) async fn ends_before(&self, next: u64) -> anyhow::Result<()> {
        let (_, last) = self.bounds("CLAIMS").await?;
        ensure!(last + 1 >= next, "the public stream ends with {last}, and {} were read", next - 1);
        Ok(())
    }

    /// What the public stream has from a place on: all of it, up to some number.
    pub(super) async fn read(&self, at: &Place) -> anyhow::Result<Vec<Message>> {
        let found = self.ask_for_many(at.next).await?;
        // On a new connection, the part of an answer that came meanwhile is missing.
        ensure!(nats::connects(&self.client) == at.connects, "the connection to the broker was renewed");
        let sequences: Vec<u64> = found.iter().filter_map(sequence).collect();
        if let Some(begin) = sequences.first() {
            let whole = sequences.iter().copied().eq((*begin..).take(found.len()));
            ensure!(whole, "the broker gave a part of what follows {}", at.next);
            if *begin != at.next {
                let (oldest, _) = self.bounds("CLAIMS").await?;
                ensure!(oldest >= *begin, "the broker gave what follows {begin} instead of {}", at.next);
                tracing::warn!(service = self.service, from = at.next, to = begin, "events were too old to be fed");
            }
        }
        Ok(found)
    }

    async fn ask_for_many(&self, from: u64) -> anyhow::Result<Vec<Message>> {
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
                _ if sequence(&answer).is_some() => found.push(answer),
                // The end of the batch; or there is nothing.
                Some(status) if status.as_u16() == END_OF_BATCH || status == StatusCode::NOT_FOUND => return Ok(found),
                status => bail!("{stream} cannot be read: {status:?}"),
            }
        }
    }

    async fn get(&self, stream: &str, from: u64) -> anyhow::Result<Option<Message>> {
        let stream = stream_name(&self.prefix, stream);
        let question = json!({ "seq": from }).to_string();
        let answer = self.client.request(format!("$JS.API.DIRECT.GET.{stream}"), question.into()).await;
        let answer = answer.with_context(|| format!("{stream} does not answer"))?;
        match answer.status {
            _ if sequence(&answer).is_some() => Ok(Some(answer)),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            status => bail!("{stream} cannot be read: {status:?}"),
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
