//! What the driver learns as an ordinary subscriber of the public stream: which parcels are booked, which claims have
//! ended. It never polls a service.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Message};
use chassis::topology::stream_name;
use futures::StreamExt as _;
use proto::claim::claim_event::Kind;
use proto::claim::{ClaimEvent, ClaimState, Leg};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Messages after which the last one is acknowledged, and with it all before it.
const ACK_AFTER: usize = 256;
/// Silence after which it is acknowledged anyway.
const ACK_AT_REST: Duration = Duration::from_millis(100);

/// How a claim ended, and when the driver saw it.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Closed, rejected or withdrawn.
    pub state: ClaimState,
    /// When the driver saw it.
    pub at: Instant,
}

enum Flight {
    /// The end was seen before the answer to the submission.
    Ended(End),
    /// Somebody waits for the end.
    Awaited(oneshot::Sender<End>),
    /// Both have met; a repeated delivery changes nothing.
    Over,
}

/// Brings submissions and ends together, whichever comes first.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<String, Flight>>);

impl Flights {
    /// The end of a claim, when it is seen.
    pub fn end_of(&self, claim: String) -> oneshot::Receiver<End> {
        let (sender, receiver) = oneshot::channel();
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(claim) {
            Entry::Occupied(mut known) => {
                if let Flight::Ended(end) = known.insert(Flight::Over) {
                    // The receiver is in our hands.
                    let _ = sender.send(end);
                }
            }
            Entry::Vacant(free) => {
                free.insert(Flight::Awaited(sender));
            }
        }
        receiver
    }

    fn ended(&self, claim: String, end: End) {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(claim) {
            Entry::Occupied(mut known) => {
                if matches!(known.get(), Flight::Awaited(_))
                    && let Flight::Awaited(waits) = known.insert(Flight::Over)
                {
                    // Whoever has lost patience is not there any more.
                    let _ = waits.send(end);
                }
            }
            Entry::Vacant(free) => {
                free.insert(Flight::Ended(end));
            }
        }
    }
}

/// Subscribes to the public stream from now on; waybill numbers of booked parcels go to `booked`.
pub async fn follow(
    client: async_nats::Client,
    prefix: &str,
    flights: Arc<Flights>,
    booked: mpsc::UnboundedSender<String>,
) -> Result<JoinHandle<()>> {
    let filters = ["leg_moved", "ended"].map(|name| format!("{prefix}.v1.claim.*.{name}"));
    let consumer = subscribe(&client, prefix, "CLAIMS", "load-driver", filters.to_vec()).await?;
    let take = move |message: &Message| take(message, &flights, &booked);
    Ok(tokio::spawn(read(consumer, take)))
}

/// A stream as the broker has it.
pub async fn stream(client: &async_nats::Client, prefix: &str, name: &str) -> Result<Stream> {
    Ok(jetstream::new(client.clone()).get_stream(stream_name(prefix, name)).await?)
}

/// A durable subscription of the public stream, or of the feed, from now on, as anybody may have one.
pub async fn subscribe(
    client: &async_nats::Client,
    prefix: &str,
    stream: &str,
    name: &str,
    filter_subjects: Vec<String>,
) -> Result<Consumer<pull::Config>> {
    let stream = self::stream(client, prefix, stream).await?;
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        filter_subjects,
        deliver_policy: DeliverPolicy::New,
        ack_policy: AckPolicy::All,
        max_ack_pending: 10_000,
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.with_context(|| format!("cannot subscribe as {name}"))
}

/// Reads a subscription until the task is aborted; the broker may go away and come back.
pub async fn read(consumer: Consumer<pull::Config>, mut take: impl FnMut(&Message)) {
    loop {
        if let Ok(mut messages) = consumer.stream().max_messages_per_batch(1_000).messages().await {
            let mut unacknowledged: Option<Message> = None;
            let mut count = 0;
            loop {
                match tokio::time::timeout(ACK_AT_REST, messages.next()).await {
                    Ok(Some(Ok(message))) => {
                        take(&message);
                        count += 1;
                        unacknowledged = Some(message);
                        if count < ACK_AFTER {
                            continue;
                        }
                    }
                    // The broker is away: what is not acknowledged comes again.
                    Ok(Some(Err(_)) | None) => break,
                    Err(_) => {}
                }
                count = 0;
                if let Some(message) = unacknowledged.take()
                    && message.ack().await.is_err()
                {
                    break;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn take(message: &Message, flights: &Flights, booked: &mpsc::UnboundedSender<String>) {
    let at = Instant::now();
    // What cannot be read shows as a claim that never ends.
    let Ok(event) = serde_json::from_slice::<ClaimEvent>(&message.payload) else { return };
    match &event.kind {
        Some(Kind::LegMoved(moved)) if moved.leg() == Leg::Shipment && moved.detail == "BOOKED" => {
            // The driver ends after this task.
            let _ = booked.send(moved.tracking_no.clone());
        }
        Some(Kind::Ended(_)) => flights.ended(event.claim_id.clone(), End { state: event.state(), at }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end() -> End {
        End { state: ClaimState::Closed, at: Instant::now() }
    }

    #[test]
    fn the_end_may_come_before_the_answer() {
        let flights = Flights::default();
        flights.ended("a".to_owned(), end());
        assert_eq!(flights.end_of("a".to_owned()).try_recv().unwrap().state, ClaimState::Closed);
    }

    #[test]
    fn a_repeated_end_is_nothing() {
        let flights = Flights::default();
        let mut first = flights.end_of("a".to_owned());
        flights.ended("a".to_owned(), end());
        flights.ended("a".to_owned(), end());
        assert_eq!(first.try_recv().unwrap().state, ClaimState::Closed);
        assert!(flights.end_of("a".to_owned()).try_recv().is_err(), "it ended twice");
    }
}
