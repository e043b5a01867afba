//! An ordinary subscriber that needs order: it reads by a consumer of its own from the message after the newest it has,
//! in small batches, and makes the consumer anew whenever a delivery was lost on the way (a durable consumer would
//! deliver that one again after later ones). It survives restarts of the broker, the loss of its consumer, and a stream
//! that is suddenly shorter than what was read of it: then it starts over, and what it knows already comes again.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::{Client, ConnectOptions, HeaderMap, ServerAddr};
use futures::StreamExt;
use tokio::time::timeout;

use crate::evidence::now_ms;
use crate::feed::Arrived;

/// Messages that are in hand at once.
const BATCH: usize = 200;
/// How long the broker may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a stream is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Address of the broker, with the user and the password of a subscriber.
    pub nats: String,
    /// Prefix of the installation.
    pub prefix: String,
    /// `CLAIMS`, `NOTICES` or `FEED`.
    pub stream: &'static str,
    /// Kind of subject, as `claim`.
    pub kind: &'static str,
}

impl Place {
    fn stream_name(&self) -> String {
        format!("{}_{}", self.prefix.to_uppercase().replace(['.', '-'], "_"), self.stream)
    }

    /// Connects to the broker; the connection mends itself.
    pub async fn connect(&self) -> Result<Client> {
        let options = ConnectOptions::new().connection_timeout(Duration::from_secs(2)).request_timeout(Some(PATIENCE));
        let address: ServerAddr = self.nats.parse().context("the address of the broker cannot be read")?;
        // Each user may listen to its own inbox only.
        let options = match (address.username(), address.password()) {
            (Some(user), Some(password)) => {
                let options = options.custom_inbox_prefix(format!("_INBOX_{user}"));
                options.user_and_password(user.to_owned(), password.to_owned())
            }
            _ => options,
        };
        timeout(PATIENCE, options.connect(address)).await?.context("the broker cannot be reached")
    }
}

/// A subscription that goes on for ever.
pub struct Subscriber<T, R> {
    place: Place,
    consumer: Option<PullConsumer>,
    /// Deliveries of this consumer so far.
    delivered: u64,
    take: T,
    restarted: R,
    /// Sequence and event id of the newest message that was read.
    newest: Option<(u64, String)>,
}

impl<T: FnMut(Arrived), R: FnMut()> Subscriber<T, R> {
    /// Gives every message to `take`, and says `restarted` when it begins again from the start of the stream.
    pub fn new(place: Place, take: T, restarted: R) -> Self {
        Self { place, consumer: None, delivered: 0, take, restarted, newest: None }
    }

    /// Follows the stream until it is dropped.
    pub async fn follow(mut self) {
        let client = loop {
            match self.place.connect().await {
                Ok(client) => break client,
                Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        };
        loop {
            // Whatever does not answer now is asked again: a broker may be away for long.
            if let Err(error) = self.turn(&client).await {
                self.consumer = None;
                eprintln!("checker: {} is read again soon: {error:#}", self.place.stream);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }

    /// Looks whether the stream still is what was read, and reads on for a second.
    async fn turn(&mut self, client: &Client) -> Result<()> {
        let jetstream = jetstream::new(client.clone());
        let stream = timeout(PATIENCE, jetstream.get_stream(self.place.stream_name())).await??;
        let last = stream.cached_info().state.last_sequence;
        if self.is_another(&stream, last).await? {
            self.newest = None;
            self.consumer = None;
            (self.restarted)();
        }
        let consumer = match self.consumer.take() {
            Some(consumer) => consumer,
            None => {
                self.delivered = 0;
                self.consumer(&stream).await?
            }
        };
        for _ in 0..4 {
            self.batch(&consumer).await?;
        }
        self.consumer = Some(consumer);
        Ok(())
    }

    async fn consumer(&self, stream: &Stream) -> Result<PullConsumer> {
        let next = self.newest.as_ref().map_or(1, |(sequence, _)| sequence + 1);
        let config = pull::Config {
            filter_subject: format!("{}.v1.{}.>", self.place.prefix, self.place.kind),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_secs(30),
            ..pull::Config::default()
        };
        Ok(timeout(PATIENCE, stream.create_consumer(config)).await??)
    }

    /// The broker has lost what was read: the stream is shorter, or has another message in that place (P01, P03).
    async fn is_another(&self, stream: &Stream, last: u64) -> Result<bool> {
        let Some((sequence, event_id)) = &self.newest else { return Ok(false) };
        if *sequence > last {
            return Ok(true);
        }
        match timeout(PATIENCE, stream.get_raw_message(*sequence)).await? {
            Ok(message) => Ok(header(&message.headers) != *event_id),
            Err(error) if error.kind() == jetstream::stream::LastRawMessageErrorKind::NoMessageFound => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    async fn batch(&mut self, consumer: &PullConsumer) -> Result<()> {
        let batch = consumer.batch().max_messages(BATCH).expires(Duration::from_millis(250)).messages();
        let mut messages = timeout(PATIENCE, batch).await??;
        while let Some(message) = timeout(PATIENCE, messages.next()).await? {
            let message = message.map_err(|error| anyhow::anyhow!("{error}"))?;
            let arrived = arrived(&message);
            let info = message.info().map_err(|error| anyhow::anyhow!("{error}"))?;
            if info.consumer_sequence != self.delivered + 1 {
                bail!("a delivery was lost on the way");
            }
            self.delivered = info.consumer_sequence;
            if self.newest.as_ref().is_none_or(|(sequence, _)| *sequence < info.stream_sequence) {
                self.newest = Some((info.stream_sequence, arrived.event_id.clone()));
            }
            (self.take)(arrived);
        }
        Ok(())
    }
}

/// Reads a stream from its start to where it ends now.
pub async fn read_all(place: &Place, mut take: impl FnMut(Arrived)) -> Result<()> {
    let jetstream = jetstream::new(place.connect().await?);
    let stream = timeout(PATIENCE, jetstream.get_stream(place.stream_name())).await??;
    let state = stream.cached_info().state.clone();
    if state.messages == 0 {
        return Ok(());
    }
    let config = pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        inactive_threshold: Duration::from_secs(30),
        ..pull::Config::default()
    };
    let consumer: PullConsumer = timeout(PATIENCE, stream.create_consumer(config)).await??;
    let mut silence = 0;
    loop {
        let batch = consumer.batch().max_messages(BATCH).expires(Duration::from_secs(1)).messages();
        let mut messages = timeout(PATIENCE, batch).await??;
        let mut came = false;
        while let Some(message) = timeout(PATIENCE, messages.next()).await? {
            let message = message.map_err(|error| anyhow::anyhow!("{error}"))?;
            came = true;
            let sequence = message.info().map_err(|error| anyhow::anyhow!("{error}"))?.stream_sequence;
            take(arrived(&message));
            if sequence >= state.last_sequence {
                return Ok(());
            }
        }
        silence = if came { 0 } else { silence + 1 };
        if silence > 3 {
            bail!("the stream ends before its last message");
        }
    }
}

fn arrived(message: &jetstream::Message) -> Arrived {
    Arrived {
        subject: message.subject.to_string(),
        event_id: message.headers.as_ref().map(header).unwrap_or_default(),
        payload: message.payload.to_vec(),
        at_ms: now_ms(),
    }
}

fn header(headers: &HeaderMap) -> String {
    headers.get("ce-id").map(|id| id.as_str().to_owned()).unwrap_or_default()
}
