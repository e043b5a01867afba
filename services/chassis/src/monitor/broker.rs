//! The broker: whether it is there, has what was provisioned (P11, P19), and delivers (P16).

use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{Consumer as Durable, IntoConsumerConfig, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use serde::Serialize;
use serde_json::Value;

use super::gauges;
use crate::nats;
use crate::readiness::Part;
use crate::topology::{Row, STREAMS, consumer_name, stream_name};

/// How often streams and consumer are looked at.
const EVERY: Duration = Duration::from_secs(3);
/// Longest a look may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How long JetStream may not answer on a connection that stands.
const SILENCE: Duration = Duration::from_secs(8);
/// How long messages may wait while nobody takes one.
const STILL: Duration = Duration::from_secs(12);

/// What of a stream is compared. Its size and its replicas are the operator's choice, made when provisioning.
const OF_STREAM: [&str; 10] = [
    "subjects",
    "retention",
    "discard",
    "storage",
    "compression",
    "max_age",
    "max_msg_size",
    "duplicate_window",
    "allow_direct",
    "deny_delete",
];
/// What of a consumer is compared.
const OF_CONSUMER: [&str; 8] = [
    "filter_subjects",
    "ack_policy",
    "ack_wait",
    "max_deliver",
    "max_ack_pending",
    "priority_policy",
    "priority_groups",
    "priority_timeout",
];

/// What is remembered of the broker between two looks.
pub(super) struct Broker {
    service: &'static str,
    prefix: String,
    /// None: the service has no place in the topology.
    row: Option<&'static Row>,
    client: async_nats::Client,
    jetstream: jetstream::Context,
    /// Since when it is connected, or not.
    since: Option<(bool, Instant)>,
    ever: bool,
    looked: Option<Instant>,
    answered: Instant,
    topology: Part,
    /// Sequences of the last delivery and acknowledgement, and since when they are what they are.
    taken: (u64, u64),
    moved: Instant,
    waiting: u64,
}

/// A look at the topology that failed.
enum Failed {
    Wrong(String),
    Silent(String),
}

impl Broker {
    pub(super) fn new(
        service: &'static str,
        prefix: String,
        row: Option<&'static Row>,
        client: async_nats::Client,
    ) -> Self {
        let now = Instant::now();
        Self {
            service,
            prefix,
            row,
            jetstream: nats::jetstream(&client),
            client,
            since: None,
            ever: false,
            looked: None,
            answered: now,
            topology: Part::Bad("streams and consumer were not seen yet".to_owned()),
            taken: (0, 0),
            moved: now,
            waiting: 0,
        }
    }

    /// How long it has been connected; none: it is not.
    pub(super) fn connected_for(&self) -> Option<Duration> {
        self.since.filter(|(connected, _)| *connected).map(|(_, since)| since.elapsed())
    }

    /// Looks at the connection, and every few seconds at streams and consumer.
    pub(super) async fn look(&mut self) -> [(&'static str, Part); 3] {
        let connected = nats::is_connected(&self.client);
        if self.since.is_none_or(|(before, _)| before != connected) {
            let now = Instant::now();
            self.since = Some((connected, now));
            (self.looked, self.answered, self.moved) = (None, now, now);
        }
        gauges::broker(self.service, connected, &self.client);
        if connected {
            self.ever = true;
            if self.looked.is_none_or(|looked| looked.elapsed() >= EVERY) {
                self.look_closely().await;
                self.looked = Some(Instant::now());
            }
        }
        [("broker", self.connection(connected)), ("topology", self.topology.clone()), ("consumer", self.consumer())]
    }

    fn connection(&self, connected: bool) -> Part {
        let for_seconds = self.since.map_or(0, |(_, since)| since.elapsed().as_secs());
        match connected {
            true => nats::unfit(&self.client).map_or(Part::Fine, Part::Bad),
            // Running on without it is what the journal is for (G16).
            false if self.ever => {
                Part::Degraded(format!("there is no connection since {for_seconds} s: messages wait"))
            }
            false => Part::Bad(format!("there was no connection yet, for {for_seconds} s: messages wait")),
        }
    }

    fn consumer(&self) -> Part {
        let still = self.moved.elapsed();
        if self.waiting > 0 && still > STILL && self.connected_for().is_some() {
            return Part::Bad(format!("{} messages wait and none was taken for {} s", self.waiting, still.as_secs()));
        }
        Part::Fine
    }

    async fn look_closely(&mut self) {
        let Some(row) = self.row else {
            self.topology = Part::Fine;
            return;
        };
        let looked = tokio::time::timeout(LIMIT, self.compare(row)).await;
        match looked.unwrap_or_else(|_| Err(Failed::Silent("no answer in time".to_owned()))) {
            Ok(()) => (self.topology, self.answered) = (Part::Fine, Instant::now()),
            Err(Failed::Wrong(what)) => (self.topology, self.answered) = (Part::Bad(what), Instant::now()),
            Err(Failed::Silent(what)) if self.answered.elapsed() > SILENCE => {
                self.topology = Part::Bad(format!("JetStream does not answer: {what}"));
            }
            Err(Failed::Silent(_)) => {}
        }
    }

    async fn compare(&mut self, row: &Row) -> Result<(), Failed> {
        let consumer = consumer_name(row.service);
        let stream = stream_name(&self.prefix, row.stream);
        let found: Result<Durable<pull::Config>, _> = self.jetstream.get_consumer_from_stream(&consumer, &stream).await;
        let found = found.map_err(|error| match error.kind() {
            jetstream::stream::ConsumerErrorKind::JetStream(reason) => refused(&consumer, &reason),
            _ => Failed::Silent(error.to_string()),
        })?;
        let info = found.cached_info();
        self.progress(info);
        let wanted = row.config(&self.prefix).into_consumer_config();
        drift(&format!("consumer {consumer}"), &OF_CONSUMER, &wanted, &info.config)?;
        for stream in STREAMS {
            let published = row.publishes.iter().any(|subject| subject.starts_with(stream.kind));
            if !published && stream.name != row.stream {
                continue;
            }
            let name = stream_name(&self.prefix, stream.name);
            let found = self.jetstream.get_stream(&name).await.map_err(|error| match error.kind() {
                GetStreamErrorKind::JetStream(reason) => refused(&name, &reason),
                _ => Failed::Silent(error.to_string()),
            })?;
            drift(&format!("stream {name}"), &OF_STREAM, &stream.config(&self.prefix, 0), &found.cached_info().config)?;
        }
        Ok(())
    }

    fn progress(&mut self, info: &jetstream::consumer::Info) {
        let taken = (info.delivered.consumer_sequence, info.ack_floor.consumer_sequence);
        if info.num_pending == 0 || taken != self.taken {
            self.moved = Instant::now();
        }
        (self.taken, self.waiting) = (taken, info.num_pending);
        gauges::consumer(self.service, info.num_pending, info.num_ack_pending as u64);
    }
}

fn refused(what: &str, reason: &jetstream::Error) -> Failed {
    match reason.error_code() {
        ErrorCode::STREAM_NOT_FOUND | ErrorCode::CONSUMER_NOT_FOUND => {
            Failed::Wrong(format!("{what} is not there: run `provision` or `redress rebuild` ({reason})"))
        }
        ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
            Failed::Wrong(format!("JetStream is not enabled: {reason}"))
        }
        _ => Failed::Silent(reason.to_string()),
    }
}

/// The first field that is not as this version provisions it.
fn drift(what: &str, fields: &[&str], wanted: &impl Serialize, found: &impl Serialize) -> Result<(), Failed> {
    let value = |config: Result<Value, _>| config.map_err(|error: serde_json::Error| Failed::Silent(error.to_string()));
    let (wanted, found) = (value(serde_json::to_value(wanted))?, value(serde_json::to_value(found))?);
    match fields.iter().find(|field| wanted[**field] != found[**field]) {
        Some(field) => Err(Failed::Wrong(format!(
            "{what} has another configuration: {field} is {}, this version provisions {}",
            found[*field], wanted[*field]
        ))),
        None => Ok(()),
    }
}
