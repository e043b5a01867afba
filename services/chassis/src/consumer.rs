//! The consumer: takes messages by durable pull, puts them into lanes in their order, and acknowledges after commit.
//!
//! What cannot be processed is parked by the lane; the consumer acknowledges it then. The broker sets no limit to
//! deliveries. A message that is under way gives signs of life, so that a slow database does not lead to a second
//! delivery; a second delivery would be harmless.
//!
//! A message may be a batch. Each that is in it takes its own way, as if it had come alone; the batch is acknowledged when
//! all are answered for good, and comes again as a whole otherwise.

mod ack;
mod aggregate;
mod origin;
mod raw;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer as Durable, pull};
use async_nats::jetstream::{self, AckKind, Message};
use futures::{FutureExt, StreamExt};
use proto::Subject;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::lane::{Answer, Domain, Lanes, Source, Ticket};
use crate::progress::{Past, Progress};
use crate::topology::{ACK_PENDING_MAX, GROUP, Row, consumer_name, stream_name};
use crate::{Actor, Malformed, crash, message, metrics};
pub(crate) use ack::Permits;
use ack::settle;
pub(crate) use raw::Raw;
use watch::Stuck;
pub(crate) use watch::Trail;

/// Bytes that are asked for at once: what waits in the client for its turn. Full batches would be a hundred times what as
/// many single messages are.
const PULL_BYTES: usize = 1 << 20;

/// Reads a message.
pub(crate) type Decode<C> = fn(&Subject, &[u8]) -> Result<C, Malformed>;

/// Takes the messages of one service.
pub(crate) struct Consumer<D: Domain> {
    pub row: &'static Row,
    pub prefix: String,
    pub client: async_nats::Client,
    pub jetstream: jetstream::Context,
    pub progress: Arc<Progress>,
    pub trail: Arc<Trail>,
    pub room: Permits,
    pub lanes: Lanes<D>,
    pub decode: Decode<D::Command>,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

impl<D: Domain> Consumer<D> {
    /// Works until the service stops. Whatever ends the subscription, it is made anew. Nothing is taken before it is
    /// clear that the database is not older than the streams.
    pub(crate) async fn run(self) {
        let this = Arc::new(self);
        while !this.stop.is_cancelled() {
            tokio::select! {
                () = this.progress.past(|past| *past == Past::Whole) => {}
                () = this.stop.cancelled() => return,
            }
            if let Err(error) = this.subscribe().await {
                tracing::warn!(service = this.row.service, error = format!("{error:#}"), "the consumer will try again");
            }
            tokio::select! { () = tokio::time::sleep(Duration::from_millis(500)) => {}, () = this.stop.cancelled() => {} }
        }
    }

    async fn subscribe(self: &Arc<Self>) -> anyhow::Result<()> {
        let stream = stream_name(&self.prefix, self.row.stream);
        let name = consumer_name(self.row.service);
        let consumer: Durable<pull::Config> = self.jetstream.get_consumer_from_stream(&name, &stream).await?;
        let source = self.jetstream.get_stream_no_info(&stream).await?;
        let mut older = pin!(self.progress.past(|past| matches!(past, Past::Older(_))));
        let mut stuck = pin!(watch::stuck(self.client.clone(), source, consumer.clone(), &self.trail));
        let batch = usize::try_from(ACK_PENDING_MAX).unwrap_or(1);
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(batch)
            .max_bytes_per_batch(PULL_BYTES)
            .group(GROUP)
            // Well below the time after which another replica takes over.
            .expires(Duration::from_secs(2))
            .heartbeat(Duration::from_secs(1))
            .messages()
            .await?;
        loop {
            let next = tokio::select! {
                next = messages.next() => next,
                stuck = &mut stuck => match stuck {
                    Stuck::Subscription(why) => anyhow::bail!(why),
                    Stuck::Consumer(why) => {
                        drop(messages);
                        return self.begin_anew(consumer, why).await;
                    }
                },
                () = &mut older => return Ok(()),
                () = self.stop.cancelled() => {
                    // What was fetched and not begun is for another replica, at once and before what is newer.
                    while let Some(Some(next)) = messages.next().now_or_never() {
                        if let Ok(message) = next {
                            let _ = message.ack_with(AckKind::Nak(None)).await;
                        }
                    }
                    drop(messages);
                    self.hand_over(&stream, &name).await;
                    return Ok(());
                }
            };
            match next {
                Some(Ok(message)) => self.take(message).await,
                // The stream mends itself after a lost heartbeat; it ends when it cannot.
                Some(Err(error)) => tracing::debug!(service = self.row.service, %error, "pull"),
                None => return Ok(()),
            }
        }
    }

    /// Lets the consumer begin anew: everything that the stream holds is delivered again. It is reset, not made again: a
    /// service may not make consumers.
    async fn begin_anew(&self, mut consumer: Durable<pull::Config>, why: &str) -> anyhow::Result<()> {
        tracing::warn!(service = self.row.service, why, "the consumer begins anew");
        metrics::begun_anew(self.row.service);
        self.trail.forget();
        consumer.reset(Some(1)).await?;
        // Or the broker would go on to deliver to the subscription that has just ended.
        let (stream, name) = (stream_name(&self.prefix, self.row.stream), consumer_name(self.row.service));
        self.hand_over(&stream, &name).await;
        // It may take a while until what is missing comes: the next look is not at once.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    /// Another replica need not wait until it is clear that this one is gone.
    async fn hand_over(&self, stream: &str, consumer: &str) {
        let unpin = async {
            let stream = self.jetstream.get_stream_no_info(stream).await?;
            stream.unpin_consumer(consumer, GROUP).await?;
            anyhow::Ok(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(1), unpin).await {
            tracing::debug!(service = self.row.service, %error, "the messages were not handed over");
        }
    }

    /// Puts what came into its lanes; the answers are awaited beside, so that order is kept and nothing blocks. What has no
    /// room waits here, and with it what comes after it.
    async fn take(self: &Arc<Self>, message: Message) {
        let raws = Raw::all(&self.prefix, &message);
        if let (Ok(info), Some(raw)) = (message.info(), raws.first()) {
            // What it says of itself, whoever sent it: the broker is asked for it again.
            let told = message.headers.as_ref().and_then(message::event_id);
            self.trail.came(info.stream_sequence, told.unwrap_or(raw.event_id));
        }
        let service = self.row.service;
        let (answers, answered): (Vec<_>, Vec<_>) = raws.iter().map(|_| oneshot::channel()).unzip();
        self.tasks.spawn(settle(service, message, answered, Arc::clone(&self.trail), self.stop.clone()));
        for (raw, answer) in raws.into_iter().zip(answers) {
            let place = self.room.place(raw.payload.len()).await;
            let ticket = ticket(&self.prefix, service, self.decode, raw, None, answer);
            crash::point("consumer.decoded");
            if self.lanes.send(Ticket { place, ..ticket }).await.is_err() {
                return;
            }
        }
    }
}

/// Reads a message; a reader that panics has read nothing.
fn read<C>(decode: Decode<C>, subject: &Subject, payload: &[u8]) -> Result<C, Malformed> {
    let read = catch_unwind(AssertUnwindSafe(|| decode(subject, payload)));
    read.unwrap_or_else(|_| Err(Malformed("reading it made the service panic".to_owned())))
}

/// The ticket of a message.
pub(crate) fn ticket<C>(
    prefix: &str,
    service: &str,
    decode: Decode<C>,
    raw: Raw,
    parked_id: Option<i64>,
    answer: oneshot::Sender<Answer>,
) -> Ticket<C> {
    let wrong_origin = raw.wrong_origin(prefix);
    let refused = wrong_origin.is_some();
    let command = match wrong_origin {
        Some(why) => Err(Malformed(why)),
        None => command(prefix, decode, &raw),
    };
    let Raw { subject, payload, event_id, aggregate, actor, trace, origin } = raw;
    let consumer = consumer_name(service);
    let source = Source::Message { consumer, id: event_id, subject, payload, parked_id, origin };
    let actor = Actor { subject: actor, roles: Vec::new(), customer: None, own: None, email: None, bound: Vec::new() };
    Ticket { refused, ..Ticket::new(command, aggregate, actor, trace, source, answer) }
}

fn command<C>(prefix: &str, decode: Decode<C>, raw: &Raw) -> Result<C, Malformed> {
    let subject = Subject::parse(prefix, &raw.subject).map_err(|error| Malformed(error.to_string()))?;
    // What can be read of a batch is no batch any more.
    if subject.is_batch() {
        return Err(Malformed("it is a batch that cannot be read".to_owned()));
    }
    let command = read(decode, &subject, &raw.payload)?;
    aggregate::agree(raw.aggregate, &raw.payload).map(|()| command)
}
