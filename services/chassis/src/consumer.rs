//! The consumer: takes messages by durable pull, puts them into lanes in their order, and acknowledges after commit.
//!
//! What cannot be processed is parked by the lane; the consumer acknowledges it then. The broker sets no limit to
//! deliveries. A message that is under way gives signs of life, so that a slow database does not lead to a second
//! delivery; a second delivery would be harmless.

mod about;
mod origin;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer as Durable, pull};
use async_nats::jetstream::{self, AckKind, Message};
use futures::{FutureExt, StreamExt};
use proto::{Subject, ids};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::lane::{Answer, Domain, Lanes, Origin, Source, Ticket};
use crate::progress::{Past, Progress};
use crate::topology::{ACK_PENDING_MAX, ACK_WAIT, GROUP, Row, consumer_name, stream_name};
use crate::{Actor, Malformed, crash, message, metrics};
pub(crate) use watch::Trail;
use watch::{GAP_MAX, Stuck};

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

    /// Puts one message into its lane; the answer is awaited beside, so that order is kept and nothing blocks.
    async fn take(self: &Arc<Self>, message: Message) {
        let (answer, answered) = oneshot::channel();
        let raw = Raw::of(&self.prefix, &message);
        if let Ok(info) = message.info() {
            // What it says of itself, whoever sent it: the broker is asked for it again.
            let told = message.headers.as_ref().and_then(message::event_id);
            self.trail.came(info.stream_sequence, told.unwrap_or(raw.event_id));
        }
        let ticket = ticket(&self.prefix, self.row.service, self.decode, &raw, None, answer);
        crash::point("consumer.decoded");
        if self.lanes.send(ticket).await.is_err() {
            let _ = message.ack_with(AckKind::Nak(None)).await;
            return;
        }
        let service = self.row.service;
        let trail = Arc::clone(&self.trail);
        self.tasks.spawn(async move { settle(service, message, answered, &trail).await });
    }
}

/// What is needed of a message, live or parked.
pub(crate) struct Raw {
    pub subject: String,
    pub payload: Vec<u8>,
    pub event_id: Uuid,
    pub aggregate: Uuid,
    pub actor: String,
    pub trace: Option<String>,
    pub origin: Option<Origin>,
}

impl Raw {
    fn of(prefix: &str, message: &Message) -> Self {
        let headers = message.headers.as_ref();
        let header = |name: &str| headers.and_then(|headers| headers.get(name)).map(|value| value.as_str());
        // What cannot be stored cannot be parked either: nothing here may carry control characters.
        let subject: String = message.subject.chars().map(|c| if c.is_control() { '?' } else { c }).take(200).collect();
        let payload = message.payload.to_vec();
        // A message without an id of ours is named by its content.
        let event_id = headers.and_then(message::event_id).unwrap_or_else(|| name_of(&subject, &payload));
        let aggregate = header("ce-subject").and_then(|id| ids::parse(id).ok()).unwrap_or_default();
        let source = header("ce-source").and_then(|source| source.strip_prefix("/redress/")).unwrap_or("unknown");
        let sender = source.chars().filter(char::is_ascii_lowercase).take(32).collect::<String>();
        let number = header("ce-sequence").and_then(|number| number.parse().ok()).filter(|number| *number > 0);
        // What is about nothing has no order.
        let number = number.filter(|_| !aggregate.is_nil());
        let trace = header("traceparent")
            .filter(|trace| trace.len() <= 64 && trace.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(str::to_owned);
        let actor = Actor::service(&sender).subject;
        // A subject that nobody uses says nothing of who may use it.
        let Ok(parsed) = Subject::parse(prefix, &subject) else {
            return Self::of_nobody(subject, payload, "unknown");
        };
        let forged = origin::forged(headers, &parsed);
        if forged.is_some() || origin::agree(&sender, &parsed).is_err() {
            return Self::of_nobody(subject, payload, if forged.is_some() { "unknown" } else { &sender });
        }
        let origin = number.map(|number| Origin { sender, number });
        Self { subject, payload, event_id, aggregate, actor, trace, origin }
    }
}

impl Raw {
    /// A message that whoever sent it may not send. Nothing that it says of itself counts: not its claim, which would
    /// wait behind it, not its id and its number, which belong to a message that is still to come.
    fn of_nobody(subject: String, payload: Vec<u8>, sender: &str) -> Self {
        let event_id = name_of(&subject, &payload);
        let actor = Actor::service(sender).subject;
        Self { subject, payload, event_id, aggregate: event_id, actor, trace: None, origin: None }
    }

    /// Why it must not be processed, whatever it says.
    fn wrong_origin(&self, prefix: &str) -> Option<String> {
        let Ok(subject) = Subject::parse(prefix, &self.subject) else {
            return Some("nobody may publish under such a subject".to_owned());
        };
        let sender = self.actor.strip_prefix("service:").unwrap_or("unknown");
        origin::agree(sender, &subject).err()
    }
}

fn name_of(subject: &str, payload: &[u8]) -> Uuid {
    let hash = Sha256::new_with_prefix(subject).chain_update(payload).finalize();
    uuid::Builder::from_custom_bytes(hash[..16].try_into().unwrap_or_default()).into_uuid()
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
    raw: &Raw,
    parked_id: Option<i64>,
    answer: oneshot::Sender<Answer>,
) -> Ticket<C> {
    let wrong_origin = raw.wrong_origin(prefix);
    let command = Subject::parse(prefix, &raw.subject)
        .map_err(|error| Malformed(error.to_string()))
        .and_then(|subject| read(decode, &subject, &raw.payload))
        .and_then(|command| about::agree(raw.aggregate, &raw.payload).map(|()| command));
    let refused = wrong_origin.is_some();
    let command = wrong_origin.map_or(command, |why| Err(Malformed(why)));
    let source = Source::Message {
        consumer: consumer_name(service),
        id: raw.event_id,
        subject: raw.subject.clone(),
        payload: raw.payload.clone(),
        parked_id,
        origin: raw.origin.clone(),
    };
    let actor = Actor { subject: raw.actor.clone(), roles: Vec::new(), customer: None };
    Ticket { refused, ..Ticket::new(command, raw.aggregate, actor, raw.trace.clone(), source, answer) }
}

/// How long a message waits for an earlier one: short at first, because that one is most likely under way.
fn patience(message: &Message) -> Duration {
    let deliveries = message.info().map_or(1, |info| info.delivered);
    Duration::from_millis(20 << deliveries.clamp(1, 6))
}

/// Acknowledges by the kind of answer: the one place where this is decided.
async fn settle(service: &'static str, message: Message, mut answered: oneshot::Receiver<Answer>, trail: &Trail) {
    let answer = loop {
        tokio::select! {
            answer = &mut answered => break answer.ok(),
            () = tokio::time::sleep(ACK_WAIT / 3) => drop(message.ack_with(AckKind::Progress).await),
        }
    };
    let (kind, outcome) = match answer {
        Some(Answer::Done(_)) => (AckKind::Ack, "done"),
        Some(Answer::Refused(_) | Answer::Reused) => (AckKind::Ack, "refused"),
        Some(Answer::Parked) => (AckKind::Ack, "parked"),
        Some(Answer::Ahead) => {
            // Once for a message: if it does not help, the earlier one is not there.
            if message.info().is_ok_and(|info| info.delivered == GAP_MAX) {
                trail.gap.notify_one();
            }
            (AckKind::Nak(Some(patience(&message))), "ahead")
        }
        Some(Answer::Failed(_)) | None => (AckKind::Nak(Some(Duration::from_secs(1))), "failed"),
    };
    metrics::consumed(service, outcome);
    crash::point("consumer.before_ack");
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(service, %error, "an acknowledgement was lost; the inbox knows the message");
    }
    crash::point("consumer.after_ack");
}
